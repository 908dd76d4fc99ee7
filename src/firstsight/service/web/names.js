// A field for a person's name that offers those who are loaded.

import { el, unique } from "./dom.js";
import { loaded, ready } from "./roster.js";

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
  const fill = () =>
    list.replaceChildren(
      ...loaded()
        .filter((person) => !without.includes(person.id))
        .map((person) => el("option", { value: person.name })),
    );
  input.addEventListener("focus", fill);
  void ready().then(fill, () => {});
  return {
    input,
    list,
    person: () =>
      loaded().find((one) => one.name === input.value.trim() && !without.includes(one.id)) ?? null,
  };
}
