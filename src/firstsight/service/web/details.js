// What is noted about a person, to be changed.

import { announce, busy, button, el, field } from "./dom.js";
import { problem } from "./problem.js";
import * as routes from "./routes.js";

/** Name, consent, retention and notes, to be changed. */
export function details(person, done) {
  const name = el("input", {
    type: "text",
    value: person.name,
    required: true,
    maxlength: "200",
    autocomplete: "off",
  });
  const consent = el("input", { type: "text", value: person.consent, autocomplete: "off" });
  const retain = el("input", { type: "date", value: person.retain_until ?? "" });
  const notes = el("textarea", { rows: "3", value: person.notes });
  const trouble = el("div", {});
  const save = button("Save", null, { kind: "main", type: "submit" });
  const form = el(
    "form",
    { class: "stack" },
    field("Name", name),
    field("Consent", consent, "Where and when it was given."),
    field("Keep until", retain, "Empty: no date is set."),
    field("Notes", notes),
    trouble,
    el("div", { class: "row" }, save),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    trouble.replaceChildren();
    void busy(save, async () => {
      try {
        await routes.change(person.id, {
          name: name.value.trim(),
          consent: consent.value.trim(),
          // Sent only when changed: a day that has passed since is not taken again.
          ...(retain.value === (person.retain_until ?? "") ? {} : { retain_until: retain.value || null }),
          notes: notes.value.trim(),
        });
        announce("Saved.");
        done();
      } catch (error) {
        trouble.replaceChildren(problem(error));
      }
    });
  });
  return form;
}
