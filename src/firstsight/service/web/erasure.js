// Erasing a person: what will go, then the receipt of what went.

import { announce, busy, button, el } from "./dom.js";
import { drop } from "./portrait.js";
import { problem } from "./problem.js";
import { changed } from "./roster.js";
import * as routes from "./routes.js";
import { refill, sheet } from "./sheet.js";
import { count, day, moment } from "./words.js";

function going(person, photos) {
  const crops = photos.filter((photo) => photo.crop_kept).length;
  return [
    `the name “${person.name}” and the number ${person.id}`,
    photos.length
      ? `${count(photos.length, "template")}, from ${photos.map((photo) => photo.source).join(", ")}`
      : "no templates: there are none",
    crops ? `${count(crops, "kept picture")} of the face` : "no pictures: none was kept",
    person.consent ? `the note of consent: “${person.consent}”` : null,
    person.retain_until ? `the date until which they may be kept: ${day(person.retain_until)}` : null,
    person.notes ? `the notes: “${person.notes}”` : null,
  ].filter(Boolean);
}

function receiptOf(receipt) {
  const rows = [
    ["Person", `${receipt.person} (number ${receipt.person_id})`],
    ["Templates removed", receipt.templates],
    ["Pictures removed", receipt.crops],
    ["When", moment(receipt.erased)],
    [
      "Bytes overwritten",
      receipt.cleared ? "yes" : "not yet: another process reads the gallery, or its server frees space later",
    ],
  ];
  return el(
    "dl",
    { class: "facts receipt" },
    rows.flatMap(([term, text]) => [el("dt", {}, term), el("dd", {}, String(text))]),
  );
}

/** Ask, erase, and show the receipt; `opened` is the person's own dialog, which closes with them. */
export function askErasure(opened, person, photos) {
  const trouble = el("div", {});
  const erase = button(
    `Erase ${person.name}`,
    () =>
      busy(erase, async () => {
        try {
          const receipt = await routes.erase(person.id);
          for (const photo of photos) drop(photo.id);
          opened.close();
          changed();
          refill(dialog, "Erased", [
            receiptOf(receipt),
            el("p", { class: "muted" }, "This receipt is not kept: note it down if you must show it."),
            el(
              "div",
              { class: "row end" },
              button("Done", () => dialog.close(), { kind: "main" }),
            ),
          ]);
          announce(
            `${receipt.person} is erased: ${count(receipt.templates, "template")}, ${count(receipt.crops, "picture")}.`,
          );
        } catch (error) {
          trouble.replaceChildren(problem(error));
        }
      }),
    { kind: "danger" },
  );
  const dialog = sheet(`Erase ${person.name}?`, [
    el("p", {}, "This will go, and cannot be brought back:"),
    el(
      "ul",
      { class: "plain-list" },
      going(person, photos).map((text) => el("li", {}, text)),
    ),
    el(
      "p",
      { class: "muted" },
      "What stays: the log's entries of what was done, which name the number but not the person; and copies made outside this service, such as backups and exports.",
    ),
    trouble,
    el(
      "div",
      { class: "row end" },
      button(`Keep ${person.name}`, () => dialog.close()),
      erase,
    ),
  ]);
}
