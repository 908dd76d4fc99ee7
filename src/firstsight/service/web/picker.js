// A place to put a photo: from a file, dropped, pasted, or taken with the camera.

import { announce, button, el } from "./dom.js";
import { takeStill } from "./camera.js";
import { listen } from "./pasting.js";
import { count } from "./words.js";

/**
 * A picker. `picked` is called with the list of files each time; with `preview` they are shown and kept.
 *
 * `files()` are those kept, `clear()` lets go of them.
 */
export function picker({
  title,
  hint = "",
  multiple = false,
  preview = true,
  accept = "image/*",
  camera = true,
  picked = () => {},
}) {
  let kept = [];
  let urls = [];
  const input = el("input", { type: "file", accept, multiple, hidden: true, "aria-label": title });
  const shown = el("div", { class: "previews", hidden: true });
  const choose = button(multiple ? "Choose photos" : "Choose a photo", () => input.click());
  const shoot = camera
    ? button("Use the camera", async () => {
        const photo = await takeStill();
        if (photo) take([photo]);
      })
    : null;
  const node = el(
    "div",
    { class: "drop", role: "group", "aria-label": title },
    el("strong", {}, title),
    shown,
    el("div", { class: "row" }, choose, shoot),
    el("small", {}, hint || "or drop it here, or paste it"),
    input,
  );

  function show() {
    for (const url of urls) URL.revokeObjectURL(url);
    urls = kept.map((file) => URL.createObjectURL(file));
    shown.replaceChildren(
      ...urls.map((url, place) => {
        const image = el("img", { src: url, alt: kept[place].name || "Chosen photo" });
        image.addEventListener("error", () =>
          image.replaceWith(el("span", { class: "unseen" }, kept[place].name)),
        );
        return image;
      }),
    );
    shown.hidden = !preview || !kept.length;
  }

  function take(files) {
    if (!files.length) return;
    if (preview) {
      kept = multiple ? [...kept, ...files] : files.slice(0, 1);
      show();
      announce(`${count(kept.length, "photo")} chosen.`);
    }
    picked(multiple ? files : files.slice(0, 1));
  }

  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = "";
  });
  for (const kind of ["dragenter", "dragover"]) {
    node.addEventListener(kind, (event) => {
      event.preventDefault();
      node.classList.add("over");
    });
  }
  node.addEventListener("dragleave", (event) => {
    if (!node.contains(event.relatedTarget)) node.classList.remove("over");
  });
  node.addEventListener("drop", (event) => {
    event.preventDefault();
    node.classList.remove("over");
    take([...event.dataTransfer.files]);
  });

  const self = {
    node,
    take,
    pastes: accept === "image/*",
    full: () => kept.length > 0,
    files: () => kept,
    clear: () => {
      kept = [];
      show();
    },
  };
  listen(self);
  return self;
}

// A photo dropped beside a picker would otherwise replace the page.
for (const kind of ["dragover", "drop"]) window.addEventListener(kind, (event) => event.preventDefault());
