// A photo that a person was enrolled from, and what can be done about a wrong one.

import { announce, busy, button, el, field } from "./dom.js";
import { nameInput } from "./names.js";
import { drop, photoPortrait } from "./portrait.js";
import { problem } from "./problem.js";
import * as routes from "./routes.js";
import { may } from "./session.js";
import { count, day, score } from "./words.js";

/** A second press is asked for, in the same place, so that no photo goes by a slip. */
function removing(photo, person, alone, place, done) {
  const first = button(
    "Remove",
    () => {
      const sure = button(
        "Remove it",
        () =>
          busy(sure, async () => {
            try {
              const receipt = await routes.removePhoto(photo.id);
              drop(photo.id);
              announce(
                `Removed: ${count(receipt.templates, "template")}, ${count(receipt.crops, "kept picture")}.`,
              );
              done(receipt);
            } catch (error) {
              place.replaceChildren(problem(error));
            }
          }),
        { kind: "danger" },
      );
      place.replaceChildren(
        el(
          "p",
          {},
          `The template of this photo goes${photo.crop_kept ? ", and the kept picture with it" : ""}. ` +
            (alone
              ? `It is the only one of ${person.name}: without it they are not known any more.`
              : "It cannot be undone."),
        ),
        el(
          "div",
          { class: "row" },
          sure,
          button("Keep it", () => {
            place.replaceChildren();
            first.focus();
          }),
        ),
      );
      sure.focus();
    },
    { "aria-label": `Remove ${photo.source}` },
  );
  return first;
}

/** Give the photo to the person that it shows. */
function moving(photo, person, place, done) {
  const first = button(
    "Move",
    () => {
      const to = nameInput({ without: [person.id] });
      const go = button("Move it", null, { kind: "main", type: "submit" });
      const form = el(
        "form",
        { class: "stack" },
        field("This photo shows", to.input, "Somebody of the gallery, or a new name."),
        to.list,
        el("div", { class: "row" }, go),
      );
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        void busy(go, async () => {
          try {
            const moved = await routes.movePhoto(photo.id, to.input.value.trim());
            announce(`Moved to ${moved.person.name}.`);
            done(moved);
          } catch (error) {
            place.replaceChildren(problem(error));
          }
        });
      });
      place.replaceChildren(form);
      to.input.focus();
    },
    { "aria-label": `Move ${photo.source} to another person` },
  );
  return first;
}

/** The photo in a list; `changed` is called with what the service answered. */
export function photoItem(photo, person, { changed, alone }) {
  const place = el("div", { class: "stack" });
  const can = may("write");
  return el(
    "li",
    { class: "photo" },
    photoPortrait(photo, person.name, person.id),
    el(
      "div",
      { class: "about" },
      el("strong", {}, photo.source),
      el(
        "small",
        {},
        `${day(photo.created)} · quality ${score(photo.quality)}${photo.crop_kept ? "" : " · no picture kept"}`,
      ),
    ),
    can
      ? el(
          "div",
          { class: "row" },
          moving(photo, person, place, changed),
          removing(photo, person, alone, place, changed),
        )
      : null,
    place,
  );
}
