// One face that was found: who it is, how sure that is, and what to do when it is wrong.

import { button, el } from "./dom.js";
import { meter } from "./meter.js";
import { may } from "./session.js";
import { held, likelihood, rate, score } from "./words.js";

/** The score in words. */
function sentence(face, fpir) {
  if (!face.best) return "Nobody is enrolled, so there is nobody to compare with.";
  const [reached, wanted] = held(face.best.similarity, face.threshold);
  const needed = `${wanted} is needed to be named: at that, ${rate(fpir)} strangers is named wrongly`;
  if (face.person !== null) return `The similarity to ${face.person} is ${reached}. ${needed}.`;
  return `The most similar person is ${face.best.person}, with ${reached}. ${needed}.`;
}

function runnerUp(face) {
  if (!face.runner_up) return null;
  const ahead = face.margin === null ? "" : `, ${score(face.margin)} behind`;
  return el(
    "p",
    { class: "muted" },
    `Next, the ring on the bar: ${face.runner_up.person}, ${score(face.runner_up.similarity)}${ahead}.` +
      (face.person !== null && face.margin !== null && face.margin < 0.05
        ? " That is close: look yourself."
        : ""),
  );
}

function quality(found) {
  if (!found.reasons.length)
    return el(
      "p",
      { class: "muted" },
      `Quality of the face: ${score(found.score)}, good enough to enrol from.`,
    );
  return el(
    "div",
    { class: "chips" },
    el("span", { class: "muted" }, `Quality ${score(found.score)}:`),
    found.reasons.map((reason) => el("span", { class: "pill warn" }, reason)),
  );
}

/** The face in the list; `act` holds `wrong`, `disown` and `light`. */
export function faceItem(face, place, fpir, picture, act) {
  const known = face.person !== null;
  const wrong = button(known ? "Wrong: this is …" : "This is …", () => act.wrong(face, place));
  const disown = known ? button("Nobody of mine", () => act.disown(face, place)) : null;
  const heading = el(
    "h3",
    {},
    el("span", { class: "number" }, String(place + 1)),
    known ? face.person : "Nobody I know",
  );
  const thumb = picture ?? el("span", { class: "portrait", "aria-hidden": "true" }, "?");
  const item = el(
    "li",
    { class: `face panel ${known ? "known" : "stranger"}` },
    el("div", { class: "face-head" }, thumb, heading),
    face.best
      ? meter({
          similarity: face.best.similarity,
          threshold: face.threshold,
          passed: known,
          sentence: sentence(face, fpir),
          other: face.runner_up?.similarity ?? null,
        })
      : el("p", {}, sentence(face, fpir)),
    known && face.best ? el("p", { class: "muted" }, likelihood(face.best.likelihood_ratio)) : null,
    runnerUp(face),
    quality(face.quality),
    may("write") ? el("div", { class: "row" }, wrong, disown) : null,
  );
  for (const [event, lit] of [
    ["mouseenter", place],
    ["mouseleave", -1],
    ["focusin", place],
    ["focusout", -1],
  ]) {
    item.addEventListener(event, () => act.light(lit));
  }
  return item;
}
