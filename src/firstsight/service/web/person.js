// One person: their photos, what is noted about them, and everything that can be done with them.

import { busy, button, el, field, tick } from "./dom.js";
import { askErasure } from "./erasure.js";
import { nameInput } from "./names.js";
import { photoItem } from "./photos.js";
import { forget, picker } from "./picker.js";
import { problem } from "./problem.js";
import { changed } from "./roster.js";
import * as routes from "./routes.js";
import { may } from "./session.js";
import { sheet } from "./sheet.js";
import { count, day } from "./words.js";

/** Name, consent, retention and notes, to be changed. */
function details(person, done) {
  const name = el("input", { type: "text", value: person.name, required: true, maxlength: "200", autocomplete: "off" });
  const consent = el("input", { type: "text", value: person.consent, autocomplete: "off" });
  const retain = el("input", { type: "date", value: person.retain_until ?? "" });
  const notes = el("textarea", { rows: "3", value: person.notes });
  const trouble = el("div", {});
  const save = button("Save", null, { kind: "main", type: "submit" });
  const form = el("form", { class: "stack" }, field("Name", name), field("Consent", consent, "Where and when it was given."),
    field("Keep until", retain, "Empty: no date is set."), field("Notes", notes), trouble, el("div", { class: "row" }, save));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    trouble.replaceChildren();
    void busy(save, async () => {
      try {
        await routes.change(person.id, { name: name.value.trim(), consent: consent.value.trim(), retain_until: retain.value || null, notes: notes.value.trim() });
        done();
      } catch (error) {
        trouble.replaceChildren(problem(error));
      }
    });
  });
  return form;
}

/** Add a photo. */
function adding(person, done) {
  const trouble = el("div", { role: "status" });
  const keep = tick("Keep a picture of the face", "A small cut-out, so that people can see whom they compare with.");
  const chosen = picker({ title: `A photo of ${person.name}` });
  const add = button("Add the photo", () => send(false), { kind: "main" });
  const send = (force) => busy(add, async () => {
    const [photo] = chosen.files();
    if (!photo) {
      trouble.replaceChildren(el("p", { class: "problem", role: "alert" }, "Choose a photo first."));
      return;
    }
    trouble.replaceChildren();
    try {
      await routes.addPhoto(person.id, photo, { keepCrop: keep.box.checked, force });
      forget(chosen);
      done();
    } catch (error) {
      trouble.replaceChildren(problem(error, { force: () => send(true) }));
    }
  });
  return el("div", { class: "stack" }, chosen.node, keep.node, trouble, el("div", { class: "row" }, add));
}

/** Merge into somebody else: every photo goes to them. */
function merging(person, done) {
  const other = nameInput({ without: [person.id] });
  const trouble = el("div", {});
  const go = button("Merge", null, { kind: "danger", type: "submit" });
  const form = el("form", { class: "stack" },
    el("p", {}, `For one person under two names. Every photo of ${person.name} goes to the other, and ${person.name} is gone. This cannot be undone.`),
    field("Merge into", other.input), other.list, trouble, el("div", { class: "row" }, go));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const into = other.person();
    if (!into) {
      trouble.replaceChildren(el("p", { class: "problem", role: "alert" }, `Nobody of those loaded is called “${other.input.value.trim()}”.`));
      return;
    }
    void busy(go, async () => {
      try {
        done((await routes.merge(person.id, into.id)).id ?? into.id);
      } catch (error) {
        trouble.replaceChildren(problem(error));
      }
    });
  });
  return form;
}

/** Everything that is known about a person, as a file. */
function exporting(person, place) {
  const get = button("Export everything", () => busy(get, async () => {
    try {
      const all = new Blob([JSON.stringify(await routes.exported(person.id), null, 2)], { type: "application/json" });
      const url = URL.createObjectURL(all);
      el("a", { href: url, download: `${person.name}.json` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 10000);
    } catch (error) {
      place.replaceChildren(problem(error));
    }
  }), { title: "What is kept about this person, as one JSON file" });
  return get;
}

const fold = (title, content) => el("details", { class: "fold" }, el("summary", {}, title), content);

function facts(person) {
  const rows = [["Enrolled", day(person.created)], ["Consent", person.consent || "not noted"],
    ["Keep until", person.retain_until ? day(person.retain_until) : "no date set"], ["Notes", person.notes || "none"]];
  return el("dl", { class: "facts" }, rows.flatMap(([term, text]) => [el("dt", {}, term), el("dd", {}, text)]));
}

/** Open a person in a dialog. */
export function openPerson(id) {
  const trouble = el("div", {});
  const body = el("div", { class: "stack" }, el("p", { class: "waiting" }, "Loading …"));
  const dialog = sheet("Person", [trouble, body], () => {}, { wide: true });

  async function show(number) {
    try {
      const { person, photos } = await routes.person(number);
      const again = () => {
        changed();
        void show(number);
      };
      const moved = (other) => {
        changed();
        void show(other);
      };
      const writer = may("write");
      dialog.querySelector("h2").textContent = person.name;
      trouble.replaceChildren();
      body.replaceChildren(...[
        el("h3", {}, photos.length ? count(photos.length, "photo") : "No photo yet: nobody can be known without one"),
        el("ul", { class: "photos" }, photos.map((photo) => photoItem(photo, person, { changed: again, alone: photos.length === 1 }))),
        facts(person),
        writer ? fold("Add a photo", adding(person, again)) : null,
        writer ? fold("Rename, consent, retention, notes", details(person, again)) : null,
        writer ? fold("Merge into somebody else", merging(person, moved)) : null,
        may("admin") ? el("div", { class: "row end" }, exporting(person, trouble),
          button("Erase …", () => askErasure(dialog, person, photos), { kind: "danger" })) : null,
      ].filter(Boolean));
    } catch (error) {
      body.replaceChildren();
      trouble.replaceChildren(problem(error, { retry: () => show(number) }));
    }
  }
  void show(id);
}
