// Looking for people: among those who are loaded when that is everybody, otherwise the service looks.

import { el } from "./dom.js";
import { loaded, more as further, PAGE, ready } from "./roster.js";
import * as routes from "./routes.js";

/** Milliseconds after a letter: who types on is not looked for at each one. */
export const PAUSE = 200;

/** Whether somebody has a text in their name or notes, as far as the key may read those. */
const has = (person, text) =>
  `${person.name}\n${person.notes ?? ""}`.toLocaleLowerCase().includes(text.toLocaleLowerCase());

/**
 * A search for a text. `people` are those found so far, `more` whether there may be more of them, and
 * `next(told, signal)` looks on until there are a page more, calling `told` after each answer.
 */
export function search(text) {
  let begun = false;
  let cursor = null;
  const self = {
    text,
    people: [],
    more: true,
    async next(told = () => {}, signal = undefined) {
      await ready();
      if (!begun && !further()) {
        self.people = loaded().filter((person) => has(person, text));
        self.more = false;
      }
      const enough = self.people.length + PAGE;
      while (self.more && self.people.length < enough) {
        const answer = await routes.search({ text, cursor, limit: enough - self.people.length }, signal);
        begun = true;
        self.people = [...self.people, ...answer.people];
        cursor = answer.next;
        self.more = cursor !== null;
        told();
      }
      return self.people;
    },
  };
  return self;
}

/** Find somebody by a name that was typed, and say meanwhile that one is looked for. */
export async function named(input, place) {
  const name = input.input.value.trim();
  place.replaceChildren(el("p", { class: "waiting", role: "status" }, `Looking for “${name}” …`));
  const found = (await routes.search({ text: name, exact: true })).people;
  const person = found.find((one) => input.takes(one)) ?? null;
  place.replaceChildren(
    person ? "" : el("p", { class: "problem", role: "alert" }, `Nobody is called “${name}”.`),
  );
  return person;
}
