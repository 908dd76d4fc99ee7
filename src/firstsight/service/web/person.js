// One person: their photos, what is noted about them, and everything that can be done with them.

import { details } from "./details.js";
import { announce, busy, button, el, tick } from "./dom.js";
import { askErasure } from "./erasure.js";
import { merging } from "./merging.js";
import { photoItem } from "./photos.js";
import { picker } from "./picker.js";
import { problem } from "./problem.js";
import { changed } from "./roster.js";
import * as routes from "./routes.js";
import { may } from "./session.js";
import { sheet } from "./sheet.js";
import { count, day } from "./words.js";

/** Add a photo. */
function adding(person, done) {
  const trouble = el("div", { role: "status" });
  const keep = tick(
    "Keep a picture of the face",
    "A small cut-out, so that people can see whom they compare with.",
  );
  const chosen = picker({ title: `A photo of ${person.name}` });
  const add = button("Add the photo", () => send(false), { kind: "main" });
  const send = (force) =>
    busy(add, async () => {
      const [photo] = chosen.files();
      if (!photo) {
        trouble.replaceChildren(el("p", { class: "problem", role: "alert" }, "Choose a photo first."));
        return;
      }
      trouble.replaceChildren();
      try {
        await routes.addPhoto(person.id, photo, { keepCrops: keep.box.checked, force });
        announce("Added.");
        done();
      } catch (error) {
        trouble.replaceChildren(problem(error, { force: () => send(true) }));
      }
    });
  return el("div", { class: "stack" }, chosen.node, keep.node, trouble, el("div", { class: "row" }, add));
}

/** Everything that is known about a person, as a file. */
function exporting(person, place) {
  const get = button(
    "Export everything",
    () =>
      busy(get, async () => {
        try {
          const all = new Blob([JSON.stringify(await routes.exported(person.id), null, 2)], {
            type: "application/json",
          });
          const url = URL.createObjectURL(all);
          el("a", { href: url, download: `${person.name}.json` }).click();
          setTimeout(() => URL.revokeObjectURL(url), 10000);
        } catch (error) {
          place.replaceChildren(problem(error));
        }
      }),
    { title: "What is kept about this person, as one JSON file" },
  );
  return get;
}

const fold = (title, content) => el("details", { class: "fold" }, el("summary", {}, title), content);

function facts(person) {
  // What is noted is not told to a key that may only compare.
  const told = may("write");
  const rows = [
    ["Enrolled", day(person.created)],
    ...(told ? [["Consent", person.consent || "not noted"]] : []),
    ["Keep until", person.retain_until ? day(person.retain_until) : "no date set"],
    ...(told ? [["Notes", person.notes || "none"]] : []),
  ];
  return el(
    "dl",
    { class: "facts" },
    rows.flatMap(([term, text]) => [el("dt", {}, term), el("dd", {}, text)]),
  );
}

/** Open a person in a dialog; `closed` is called once it is gone, with the number of who was shown last. */
export function openPerson(id, closed = () => {}) {
  let last = id;
  const trouble = el("div", {});
  const body = el("div", { class: "stack" }, el("p", { class: "waiting" }, "Loading …"));
  const dialog = sheet("Person", [trouble, body], () => closed(last), { wide: true });

  async function show(number) {
    try {
      const { person, photos } = await routes.person(number);
      // Whose only photo went to somebody else is gone: what is left to show is the other.
      const again = (became) => {
        changed();
        void show(became?.source_removed ? became.person.id : number);
      };
      const moved = (other) => {
        changed();
        void show(other);
      };
      const writer = may("write");
      last = number;
      dialog.querySelector("h2").textContent = person.name;
      trouble.replaceChildren();
      body.replaceChildren(
        ...[
          el(
            "h3",
            {},
            photos.length ? count(photos.length, "photo") : "No photo yet: nobody can be known without one",
          ),
          el(
            "ul",
            { class: "photos" },
            photos.map((photo) => photoItem(photo, person, { changed: again, alone: photos.length === 1 })),
          ),
          facts(person),
          writer ? fold("Add a photo", adding(person, again)) : null,
          writer ? fold("Rename, consent, retention, notes", details(person, again)) : null,
          writer ? fold("Merge into somebody else", merging(person, moved)) : null,
          may("admin")
            ? el(
                "div",
                { class: "row end" },
                exporting(person, trouble),
                button("Erase …", () => askErasure(dialog, person, photos), { kind: "danger" }),
              )
            : null,
        ].filter(Boolean),
      );
    } catch (error) {
      body.replaceChildren();
      trouble.replaceChildren(problem(error, { retry: () => show(number) }));
    }
    // What had the focus may have been drawn anew: who uses the keyboard goes on at the sheet's beginning.
    if (!dialog.contains(document.activeElement)) dialog.querySelector("h2").focus({ preventScroll: true });
  }
  void show(id);
}
