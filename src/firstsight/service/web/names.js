// A field for a person's name that offers those who have what is typed in theirs.

import { el, unique } from "./dom.js";
import { loaded, ready } from "./roster.js";
import { PAUSE, search } from "./searching.js";

const OFFERED = 200;

/** An input with the names as suggestions; `ids` are of people to leave out. */
export function nameInput({ without = [], ...props } = {}) {
  const list = el("datalist", { id: unique("names") });
  const input = el("input", {
    type: "text",
    list: list.id,
    autocomplete: "off",
    maxlength: "200",
    required: true,
    ...props,
  });
  const takes = (person) => !without.includes(person.id);
  const typed = () => input.value.trim();
  // Those whom the service found.
  let found = [];
  const fill = () => {
    const text = typed().toLocaleLowerCase();
    const alike = [...loaded(), ...found].filter(
      (person) => takes(person) && person.name.toLocaleLowerCase().includes(text),
    );
    const names = [...new Set(alike.map((person) => person.name))].slice(0, OFFERED);
    list.replaceChildren(...names.map((name) => el("option", { value: name })));
  };
  let asking = new AbortController();
  let pause = 0;
  async function look({ signal }) {
    const hunt = search(typed());
    const offer = () => {
      found = hunt.people;
      fill();
    };
    try {
      await hunt.next(offer, signal);
      offer();
    } catch {
      // Somebody typed on; and a name that is not offered can still be typed.
    }
  }
  input.addEventListener("input", () => {
    fill();
    clearTimeout(pause);
    asking.abort();
    asking = new AbortController();
    if (typed()) pause = setTimeout(look, PAUSE, asking);
  });
  input.addEventListener("focus", fill);
  void ready().then(fill, () => {});
  return { input, list, takes };
}
