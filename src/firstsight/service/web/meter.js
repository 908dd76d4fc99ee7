// The score bar: how similar, with the threshold marked.

import { el } from "./dom.js";
import { held, score } from "./words.js";

const percent = (value) => `${Math.min(100, Math.max(0, value * 100))}%`;

/**
 * A bar from 0 to 1 and the same in words.
 *
 * The bar is hidden from screen readers: the sentence below it says everything it shows.
 */
export function meter({ similarity, threshold, passed, sentence, other = null }) {
  const fill = el("span", { class: "fill" });
  fill.style.width = percent(similarity);
  const mark = el("span", { class: "mark-line" });
  mark.style.left = percent(threshold);
  const label = el("span", { class: "mark-label" }, `needed ${held(similarity, threshold)[1]}`);
  label.style.left = percent(Math.min(0.86, Math.max(0.14, threshold)));
  let second = null;
  if (other !== null) {
    second = el("span", { class: "second", title: `runner-up ${score(other)}` });
    second.style.left = percent(other);
  }
  return el(
    "div",
    { class: `meter ${passed ? "passed" : "below"}` },
    el(
      "div",
      { class: "scale", "aria-hidden": "true" },
      el("div", { class: "track" }, fill, mark, second),
      label,
    ),
    el("p", {}, sentence),
  );
}
