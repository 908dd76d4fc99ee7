// Two photos: the same person?

import { announce, busy, button, el, field, reveal } from "./dom.js";
import { meter } from "./meter.js";
import { picker } from "./picker.js";
import { problem } from "./problem.js";
import * as routes from "./routes.js";
import { held, likelihood, rate, TELLING } from "./words.js";

const RATES = [0.01, 0.001, 0.0001];

/** What the similarity says; where that is less than was asked for, so too. */
function evidence(found) {
  const said = likelihood(found.likelihood_ratio);
  return !found.same && found.likelihood_ratio >= TELLING
    ? `${said.slice(0, -1)}: that is too little evidence for the ${rate(found.fmr)} asked for.`
    : said;
}

function answer(found) {
  const [reached, wanted] = held(found.similarity, found.threshold);
  const reach = found.same ? "reaches" : "does not reach";
  return el(
    "div",
    { class: `panel verdict ${found.same ? "known" : "stranger"}` },
    el("h2", {}, found.same ? "The same person" : "Not shown to be the same person"),
    meter({
      similarity: found.similarity,
      threshold: found.threshold,
      passed: found.same,
      sentence: `The similarity is ${reached} and ${reach} ${wanted}. From there on, ${rate(found.fmr)} pairs of two different people passes as one person.`,
    }),
    el("p", {}, evidence(found)),
    found.same
      ? null
      : el(
          "p",
          { class: "muted" },
          "A poor photo, a turned head or many years between the photos lower the similarity of one and the same person.",
        ),
  );
}

/** The view. */
export function verifyView() {
  const result = el("div", { role: "status" });
  // Raised whenever what is asked changes: an answer to what was asked before must not be shown.
  let turn = 0;
  const stale = () => {
    turn += 1;
    result.replaceChildren();
  };
  const left = picker({ title: "First photo", hint: "or drop it here, or paste it", picked: stale });
  const right = picker({ title: "Second photo", hint: "or drop it here, or paste it", picked: stale });
  const careful = el(
    "select",
    {},
    RATES.map((fmr) => el("option", { value: fmr }, `${rate(fmr)} wrong matches`)),
  );
  careful.value = "0.001";
  careful.addEventListener("change", stale);
  const compare = button("Compare", () => run(), { kind: "main" });
  const run = () =>
    busy(compare, async () => {
      const [one] = left.files();
      const [two] = right.files();
      if (!one || !two) {
        result.replaceChildren(el("p", { class: "problem", role: "alert" }, "Choose both photos first."));
        return;
      }
      const asked = ++turn;
      result.replaceChildren(el("p", { class: "waiting" }, "Comparing …"));
      try {
        const found = await routes.verify(one, two, careful.value);
        if (asked !== turn) return;
        result.replaceChildren(answer(found));
        reveal(result);
        announce(found.same ? "The same person." : "Not shown to be the same person.");
      } catch (error) {
        if (asked === turn) result.replaceChildren(problem(error, { retry: run }));
      }
    });
  const clear = button("Clear", () => {
    left.clear();
    right.clear();
    stale();
  });
  const node = el(
    "section",
    { "aria-labelledby": "verify-title" },
    el("h1", { id: "verify-title", tabindex: "-1" }, "Verify"),
    el(
      "p",
      { class: "lead" },
      "Two photos, one face in each: do they show the same person? Nothing is stored.",
    ),
    el("div", { class: "pair slots" }, left.node, right.node),
    el("div", { class: "bar" }, field("How careful", careful), el("div", { class: "row" }, compare, clear)),
    result,
  );
  return { node };
}
