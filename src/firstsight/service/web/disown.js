// "Nobody of mine": a stranger was named. The cause may be a wrong photo among those of the person named.

import { button, el } from "./dom.js";
import { photoItem } from "./photos.js";
import { problem } from "./problem.js";
import { changed } from "./roster.js";
import * as routes from "./routes.js";
import { sheet } from "./sheet.js";
import { rate } from "./words.js";

/**
 * Show the photos of the person named; `done` is called when one went, `stricter` asks again with fewer
 * strangers named (null when there is no stricter setting).
 */
export function askDisown(face, cut, fpir, { done, stricter }) {
  const place = el("div", { class: "stack" }, el("p", { class: "waiting" }, "Loading …"));
  const picture = cut ? Object.assign(cut, { className: "cut" }) : null;
  picture?.setAttribute("role", "img");
  picture?.setAttribute("aria-label", "The face in question");
  const dialog = sheet(
    `Not ${face.person}, and nobody of mine`,
    [
      picture,
      el(
        "p",
        {},
        `Is one of these photos not of ${face.person}? Then remove it, or move it to the person it shows.`,
      ),
      place,
      el(
        "p",
        { class: "muted" },
        `If they all show ${face.person}, nothing is wrong with the gallery: about ${rate(fpir)} strangers is named at this setting.`,
      ),
      stricter
        ? el(
            "div",
            { class: "row" },
            button("Ask again, more carefully", () => {
              dialog.close();
              stricter();
            }),
          )
        : null,
    ],
    undefined,
    { wide: true },
  );

  async function load() {
    try {
      const { person, photos } = await routes.person(face.person_id);
      const gone = () => {
        changed();
        dialog.close();
        done();
      };
      place.replaceChildren(
        el(
          "ul",
          { class: "photos" },
          photos.map((photo) => photoItem(photo, person, { changed: gone, alone: photos.length === 1 })),
        ),
      );
    } catch (error) {
      place.replaceChildren(problem(error, { retry: load }));
    }
  }
  void load();
}
