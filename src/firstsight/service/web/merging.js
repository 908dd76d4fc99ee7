// One person under two names: merged.

import { announce, busy, button, el, field } from "./dom.js";
import { nameInput } from "./names.js";
import { problem } from "./problem.js";
import * as routes from "./routes.js";
import { named } from "./searching.js";

/** Merge into somebody else: every photo goes to them. */
export function merging(person, done) {
  const other = nameInput({ without: [person.id] });
  const trouble = el("div", {});
  const go = button("Merge", null, { kind: "danger", type: "submit" });
  const form = el(
    "form",
    { class: "stack" },
    el(
      "p",
      {},
      `For one person under two names. Every photo of ${person.name} goes to the other, and ${person.name} is gone. This cannot be undone.`,
    ),
    field("Merge into", other.input),
    other.list,
    trouble,
    el("div", { class: "row" }, go),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void busy(go, async () => {
      try {
        const into = await named(other, trouble);
        if (!into) return;
        const merged = await routes.merge(person.id, into.id);
        announce(`Merged into ${into.name}.`);
        done(merged.id ?? into.id);
      } catch (error) {
        trouble.replaceChildren(problem(error));
      }
    });
  });
  return form;
}
