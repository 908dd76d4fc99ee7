// A dialog: a title, a way to close it, and whatever it holds.

import { button, el, unique } from "./dom.js";
import { sweep } from "./pasting.js";

/** Open a modal dialog; `closed` is called once it is gone. */
export function sheet(title, content, closed = () => {}, { wide = false } = {}) {
  const heading = el("h2", { id: unique("title"), tabindex: "-1" }, title);
  const close = button("×", () => dialog.close(), { kind: "close", "aria-label": "Close" });
  const dialog = el(
    "dialog",
    { class: wide ? "sheet wide" : "sheet", "aria-labelledby": heading.id },
    el("div", { class: "announcer visually-hidden", role: "status", "aria-live": "polite" }),
    el("div", { class: "sheet-head" }, heading, close),
    el("div", { class: "stack sheet-body" }, content),
  );
  const opener = document.activeElement;
  dialog.addEventListener("close", () => {
    dialog.remove();
    sweep();
    // What opened it may be gone by now: then whoever uses the keyboard goes on at the section's beginning.
    const back = opener?.isConnected ? opener : document.querySelector("main > section:not([hidden]) h1");
    back?.focus({ preventScroll: true });
    closed();
  });
  document.body.append(dialog);
  dialog.showModal();
  heading.focus();
  return dialog;
}

/** Show something else in an open sheet. */
export function refill(dialog, title, content) {
  dialog.querySelector("h2").textContent = title;
  dialog.querySelector(".sheet-body").replaceChildren(...[content].flat().filter(Boolean));
  dialog.querySelector("h2").focus();
}
