// A field for a person's name that offers those who are loaded, and looks further for a name that is none of theirs.

import { el, unique } from "./dom.js";
import { loaded, ready } from "./roster.js";
import { searched } from "./searching.js";

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
  const others = () => loaded().filter((person) => !without.includes(person.id));
  /** Those whose names have what was typed in them. */
  const alike = () => {
    const typed = input.value.trim().toLocaleLowerCase();
    return others().filter((person) => person.name.toLocaleLowerCase().includes(typed));
  };
  const fill = () =>
    list.replaceChildren(
      ...alike()
        .slice(0, OFFERED)
        .map((person) => el("option", { value: person.name })),
    );
  // One search at a time: it looks at what the field holds by then.
  let looking = null;
  input.addEventListener("input", () => {
    fill();
    looking ??= searched(() => alike()[0] ?? null)
      // A name that is not offered can still be typed.
      .then(fill, () => {})
      .finally(() => {
        looking = null;
      });
  });
  input.addEventListener("focus", fill);
  void ready().then(fill, () => {});
  return {
    input,
    list,
    person: () => others().find((one) => one.name === input.value.trim()) ?? null,
  };
}
