// Enrolling: one person from photos, or many from a zip.

import { announce, busy, button, el, field, tick } from "./dom.js";
import { importing } from "./importing.js";
import { nameInput } from "./names.js";
import { onceKey } from "./once.js";
import { openPerson } from "./person.js";
import { picker } from "./picker.js";
import { problem } from "./problem.js";
import { changed } from "./roster.js";
import * as routes from "./routes.js";
import { count } from "./words.js";

/** Whether a picture is kept, and what that means. */
function keeping() {
  return tick(
    "Keep a picture of the face",
    "Off: only the numbers that describe the face are kept; they are biometric data all the same. On: a small cut-out of the face is kept as well, so that people can see whom they compare with, and another model can read it anew.",
  );
}

function done(person) {
  return el(
    "div",
    { class: "success", role: "status" },
    el("strong", {}, `${person.name} is enrolled`),
    el(
      "p",
      {},
      `${count(person.templates, "photo")} in all. From now on they are named where they are seen.`,
    ),
    el(
      "div",
      { class: "row" },
      button(`Open ${person.name}`, () => openPerson(person.id)),
      el("a", { class: "button", href: "#identify" }, "Identify a photo"),
    ),
  );
}

function single() {
  const name = nameInput({});
  const photos = picker({
    title: "One photo is enough",
    multiple: true,
    hint: "or drop it here, or paste it. The whole face, from the front, nobody else in it.",
  });
  const keep = keeping();
  const consent = el("input", { type: "text", autocomplete: "off", placeholder: "e.g. signed form, 3 May" });
  const retain = el("input", { type: "date" });
  const notes = el("textarea", { rows: "2" });
  const result = el("div", {});
  const send = button("Enrol", null, { kind: "main", type: "submit" });
  const clear = button("Clear the photos", () => photos.clear());
  const form = el(
    "form",
    { class: "panel stack" },
    el("h2", {}, "One person"),
    field("Name", name.input, "A name that is there already gets the photo added."),
    name.list,
    photos.node,
    keep.node,
    el(
      "div",
      { class: "pair" },
      field("Consent", consent, "Where and when it was given. In many places it is required."),
      field("Keep until", retain, "After that day the person is due to be erased."),
    ),
    field("Notes", notes),
    result,
    el("div", { class: "row" }, send, clear),
  );
  let once = onceKey();

  const enrol = (force) =>
    busy(send, async () => {
      if (!photos.files().length) {
        result.replaceChildren(el("p", { class: "problem", role: "alert" }, "Choose a photo first."));
        return;
      }
      result.replaceChildren();
      try {
        const person = await routes.enroll(
          {
            name: name.input.value.trim(),
            photo: photos.files(),
            consent: consent.value.trim(),
            retain_until: retain.value,
            notes: notes.value.trim(),
            keep_crops: keep.box.checked,
            force,
          },
          once,
        );
        result.replaceChildren(done(person));
        announce(`${person.name} is enrolled.`);
        form.reset();
        photos.clear();
        once = onceKey();
        changed();
      } catch (error) {
        // What was refused is another request once it is changed; one that got no answer is the same.
        if (error.status >= 400 && error.status < 500) once = onceKey();
        result.replaceChildren(problem(error, { retry: () => enrol(force), force: () => enrol(true) }));
      }
    });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void enrol(false);
  });
  return form;
}

/** The view. */
export function enrolView() {
  const node = el(
    "section",
    { "aria-labelledby": "enrol-title" },
    el("h1", { id: "enrol-title", tabindex: "-1" }, "Enrol"),
    el("p", { class: "lead" }, "Faces are biometric data: enrol people who know of it and agreed to it."),
    el("div", { class: "columns" }, single(), importing()),
  );
  return { node };
}
