// Looking further than the people that are loaded: page after page, until who is wanted is there.

import { el } from "./dom.js";
import { load, MOST, more, ready } from "./roster.js";

/** Load people until `found` gives something that is not null, or there are no more; gives that back. */
export async function searched(found) {
  await ready();
  while (found() === null && more()) await load({ limit: MOST });
  return found();
}

/** Find somebody by a name that was typed, and say meanwhile that one is looked for. */
export async function named(input, place) {
  const name = input.input.value.trim();
  place.replaceChildren(el("p", { class: "waiting", role: "status" }, `Looking for “${name}” …`));
  const person = await searched(input.person);
  place.replaceChildren(
    person ? "" : el("p", { class: "problem", role: "alert" }, `Nobody is called “${name}”.`),
  );
  return person;
}
