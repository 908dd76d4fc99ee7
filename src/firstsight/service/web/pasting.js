// Photos pasted from the clipboard, and which picker takes them.

const takers = new Set();

/** Whether a paste can be meant for this one: seen, and not behind a dialog. */
function reachable(node) {
  const open = [...document.querySelectorAll("dialog[open]")].at(-1);
  return node.isConnected && node.checkVisibility() && (!open || open.contains(node));
}

document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])].filter((file) => file.type.startsWith("image/"));
  const near = files.length ? [...takers].filter((one) => one.pastes && reachable(one.node)) : [];
  const taker = near.find((one) => !one.full()) ?? near[0];
  if (!taker) return;
  event.preventDefault();
  taker.take(files);
});

/** Let a picker take what is pasted. */
export const listen = (picker) => takers.add(picker);

/** Let go of the pickers that are off the page, and of the photos they hold. */
export function sweep() {
  for (const one of takers) {
    if (one.node.isConnected) continue;
    one.clear();
    takers.delete(one);
  }
}
