// Elements made from data. Text always goes in as text, so nothing a person typed can become markup.

let counter = 0;

/** An id that no other element of the page has. */
export const unique = (stem) => `${stem}-${++counter}`;

/**
 * One element. `on` holds listeners, `data` the data-attributes; `true` and `false` set or leave out an
 * attribute; what is written in camel case or is a known property is set as one.
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, run] of Object.entries(value)) node.addEventListener(event, run);
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name === "class") node.className = value;
    else if (name === "value" || name === "checked" || name === "disabled" || name === "hidden")
      node[name] = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** A button; `kind` is "main", "danger", "quiet" or nothing. */
export function button(label, run, { kind = "", type = "button", ...props } = {}) {
  return el("button", { type, class: kind, ...props, on: run ? { click: run } : {} }, label);
}

/** A labelled input, textarea or select, with a line below that explains it. */
export function field(label, input, hint = "") {
  input.id ||= unique("field");
  const note = hint ? el("small", { id: unique("hint") }, hint) : null;
  if (note) input.setAttribute("aria-describedby", note.id);
  return el("div", { class: "field" }, el("label", { for: input.id }, label), input, note);
}

/** A checkbox with its label beside it and an explanation below. */
export function tick(label, hint = "") {
  const box = el("input", { type: "checkbox", id: unique("tick") });
  const note = hint ? el("small", { id: unique("hint") }, hint) : null;
  if (note) box.setAttribute("aria-describedby", note.id);
  const node = el("div", { class: "tick" }, box, el("div", {}, el("label", { for: box.id }, label), note));
  return { node, box };
}

/** Say something to a screen reader that is seen elsewhere on the page. */
export function announce(text) {
  for (const place of document.querySelectorAll(".announcer")) place.textContent = "";
  requestAnimationFrame(() => {
    // What lies outside an open dialog is heard by nobody. Only now: the dialog may have been closed since.
    const open = [...document.querySelectorAll("dialog[open]")].at(-1);
    const place = open?.querySelector(".announcer") ?? document.querySelector(".announcer");
    place.textContent = text;
  });
}

/** Bring a result into sight, which on a phone lies below. */
export function reveal(node) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  node.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
}

/** Run work with the button disabled and a busy indicator in it. */
export async function busy(pressed, work) {
  const whole = pressed.closest("form, dialog, .face, .panel") ?? pressed;
  const others = [...whole.querySelectorAll("button:not(.close)")].filter((one) => !one.disabled);
  if (!others.includes(pressed)) others.push(pressed);
  for (const one of others) one.disabled = true;
  pressed.classList.add("busy");
  pressed.setAttribute("aria-busy", "true");
  try {
    return await work();
  } finally {
    for (const one of others) one.disabled = false;
    pressed.classList.remove("busy");
    pressed.removeAttribute("aria-busy");
  }
}
