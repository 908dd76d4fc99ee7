// "Wrong: this is …": the face is cut out and enrolled under the right name.

import { announce, busy, button, el, field, tick } from "./dom.js";
import { nameInput } from "./names.js";
import { onceKey } from "./once.js";
import { toFile } from "./picture.js";
import { problem } from "./problem.js";
import { changed } from "./roster.js";
import * as routes from "./routes.js";
import { sheet } from "./sheet.js";

/** Ask who it is, and enrol; `done` is called once that worked. */
export function askName(face, cut, done) {
  const name = nameInput(face.person === null ? {} : { without: [face.person_id] });
  const keep = tick("Keep a picture of the face", "Off: only the numbers that describe it are kept.");
  const trouble = el("div", {});
  const send = button("Enrol this face", null, { kind: "main", type: "submit" });
  const once = onceKey();
  const form = el(
    "form",
    { class: "stack" },
    cut,
    field("This is", name.input, "Choose somebody of the gallery, or type a new name."),
    name.list,
    keep.node,
    el(
      "p",
      { class: "muted" },
      "The cut-out above is added to that person's photos. Enrol people who agreed to it.",
    ),
    trouble,
    el(
      "div",
      { class: "row end" },
      button("Cancel", () => dialog.close()),
      send,
    ),
  );
  cut.classList.add("cut");
  cut.setAttribute("role", "img");
  cut.setAttribute("aria-label", "The face, cut out");
  const enrol = (force) =>
    busy(send, async () => {
      trouble.replaceChildren();
      const who = name.input.value.trim();
      try {
        const photo = await toFile(
          cut,
          `correction-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.jpg`,
        );
        const person = await routes.enroll(
          { name: who, photo, keep_crops: keep.box.checked, force },
          force ? onceKey() : once,
        );
        dialog.close();
        changed();
        announce(`The face is enrolled as ${person.name}.`);
        done(person);
      } catch (error) {
        trouble.replaceChildren(problem(error, { force: () => enrol(true) }));
      }
    });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void enrol(false);
  });
  const dialog = sheet(face.person === null ? "Who is this?" : `Not ${face.person}: who is it?`, form);
  name.input.focus();
}
