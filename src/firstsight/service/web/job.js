// Work that the service does in the background: a progress bar, and what became of each photo.

import { announce, el } from "./dom.js";
import { count } from "./words.js";
import * as routes from "./routes.js";

const PAUSE = 700;
const PATIENCE = 20;
const pause = (time) =>
  new Promise((resolve) => {
    setTimeout(resolve, time);
  });

function kind(outcome) {
  if (outcome.error) return "refused";
  return outcome.enrolled ? "enrolled" : "there already";
}

function line(outcome) {
  const became = kind(outcome);
  const why = outcome.error
    ? el("span", { class: "why" }, `${outcome.error.message} ${outcome.error.hint ?? ""}`.trim())
    : null;
  return el(
    "li",
    { class: became.replace(" ", "-") },
    el("span", { class: "pill" }, became),
    // Of who was erased since, the service tells neither name nor photo.
    el("span", {}, el("strong", {}, outcome.person || "(erased)"), ` ${outcome.photo}`),
    why,
  );
}

/** The refused ones first, for they want something done. */
function outcomes(all) {
  const ordered = [...all].sort((one, other) => Number(Boolean(other.error)) - Number(Boolean(one.error)));
  return el(
    "ul",
    { class: "outcomes", tabindex: "0", "aria-label": "What became of each photo" },
    ordered.map(line),
  );
}

function summary(job) {
  const tally = {};
  for (const outcome of job.outcomes) tally[kind(outcome)] = (tally[kind(outcome)] ?? 0) + 1;
  return ["enrolled", "there already", "refused"]
    .filter((name) => tally[name])
    .map((name) => `${tally[name]} ${name}`)
    .join(", ");
}

/** Follow a job in `place` until it ends; gives the last state back. Throws what the service refuses. */
export async function follow(job, place, title) {
  const bar = el("progress", { max: "1", value: 0, "aria-label": title });
  const text = el("p", {}, "Beginning …");
  place.replaceChildren(el("div", { class: "stack job" }, el("strong", {}, title), bar, text));
  let now = job;
  let said = 0;
  let missed = 0;
  while (now.state === "running") {
    if (now.whole) {
      bar.max = now.whole;
      bar.value = now.done;
      text.textContent = `${now.done} of ${count(now.whole, "photo")}`;
      if (now.done - said >= now.whole / 4) {
        said = now.done;
        announce(text.textContent);
      }
    }
    await pause(PAUSE);
    try {
      now = await routes.job(now.id);
      missed = 0;
    } catch (error) {
      // The work goes on whether we look or not: wait as long as we are told, then look again.
      missed += 1;
      if (missed > PATIENCE || (error.status !== 0 && error.status !== 429 && error.status !== 503))
        throw error;
      text.textContent = "The service does not answer at the moment; the work goes on there.";
      await pause((error.retryAfter ?? 3) * 1000);
    }
  }
  const result =
    now.state === "done" ? summary(now) || "Nothing was to be done." : "It stopped before the end.";
  place.replaceChildren(
    el(
      "div",
      { class: "stack job" },
      el("strong", {}, now.state === "done" ? `${title}: done` : `${title}: failed`),
      el("p", {}, result),
      now.outcomes.length ? outcomes(now.outcomes) : null,
    ),
  );
  announce(`${title}: ${result}`);
  return now;
}
