// The grid of people.

import { announce, busy, button, el, field } from "./dom.js";
import { follow } from "./job.js";
import { openPerson } from "./person.js";
import { portrait } from "./portrait.js";
import { problem } from "./problem.js";
import { changed, load, loaded, more, roster } from "./roster.js";
import * as routes from "./routes.js";
import { PAUSE, search as searchFor } from "./searching.js";
import { may } from "./session.js";
import { count, day } from "./words.js";

/** Days past the date until which a person may be kept. */
const overdue = (person) =>
  person.retain_until !== null && person.retain_until < new Date().toISOString().slice(0, 10);

function card(person, open) {
  const note = overdue(person)
    ? el("span", { class: "pill warn" }, `due to go since ${day(person.retain_until)}`)
    : null;
  return el(
    "li",
    {},
    el(
      "button",
      { type: "button", class: "person", data: { person: person.id }, on: { click: () => open(person.id) } },
      portrait(person),
      el("span", { class: "name" }, person.name),
      el("small", {}, person.templates ? count(person.templates, "photo") : "no photo yet"),
      note,
    ),
  );
}

/** What a new gallery shows: nobody is in it. */
function welcome() {
  const place = el("div", {});
  const samples = button(
    "Enrol the sample people",
    () =>
      busy(samples, async () => {
        try {
          const job = await follow(await routes.samples(), place, "Enrolling the sample people");
          if (job.outcomes.some((outcome) => outcome.enrolled)) changed();
        } catch (error) {
          place.replaceChildren(problem(error));
        }
      }),
    { kind: "main" },
  );
  const writer = may("write");
  return el(
    "div",
    { class: "panel welcome" },
    el("div", { class: "faces-mark", "aria-hidden": "true" }, el("i", {}), el("i", {}), el("i", {})),
    el("h2", {}, "Nobody is here yet"),
    el(
      "p",
      {},
      "One photo of a person is enough to know them again. " +
        (writer
          ? "Try it with twelve people who do not exist, or enrol somebody who agreed to it."
          : "Enrolling takes a key with the role “write”; yours can look and compare."),
    ),
    writer
      ? el("div", { class: "row" }, samples, el("a", { class: "button", href: "#enrol" }, "Enrol somebody"))
      : null,
    place,
    writer
      ? el(
          "small",
          {},
          "The sample people are composite portraits, for non-commercial use. You can erase them again.",
        )
      : null,
  );
}

/** The view. */
export function peopleView() {
  const search = el("input", { type: "search", autocomplete: "off", placeholder: may("write") ? "Name or notes" : "Name" });
  const grid = el("ul", { class: "people" });
  const place = el("div", { class: "stack" });
  const status = el("p", { class: "muted", role: "status" });
  const next = button("Load more", () => void busy(next, () => fetchPeople()));
  const bar = el("div", { class: "bar" }, field("Search", search), status);
  const node = el(
    "section",
    { "aria-labelledby": "people-title" },
    el("h1", { id: "people-title", tabindex: "-1" }, "People"),
    bar,
    place,
    grid,
    el("div", { class: "row centre" }, next),
  );
  let stale = true;
  let latest = 0;
  let asking = new AbortController();
  // What is looked for; null while everybody is shown.
  let hunt = null;

  // The grid is drawn anew when people change: who uses the keyboard stays with the person all the same.
  const focusOn = (id) => grid.querySelector(`[data-person="${id}"]`)?.focus({ preventScroll: true });
  const open = (id) => openPerson(id, focusOn);

  const wanted = () => search.value.trim();

  function show({ searching = false } = {}) {
    const people = hunt ? hunt.people : loaded();
    const empty = loaded().length === 0 && !more();
    const further = hunt ? hunt.more : more();
    bar.hidden = empty;
    next.hidden = !further || searching;
    const held = grid.contains(document.activeElement) ? document.activeElement.dataset.person : null;
    grid.replaceChildren(...people.map((person) => card(person, open)));
    if (held !== null) focusOn(held);
    status.classList.toggle("waiting", searching);
    const shown = count(people.length, "person", "people");
    if (searching) status.textContent = `Searching … ${shown} found so far`;
    else if (hunt) status.textContent = `${shown} found${further ? ", there are more" : ""}`;
    else status.textContent = shown + (further ? " loaded, there are more" : "");
    if (empty) place.replaceChildren(welcome());
    else if (hunt && !people.length && !searching)
      place.replaceChildren(el("p", { class: "panel empty" }, `Nobody found for “${hunt.text}”.`));
    else place.replaceChildren();
  }

  async function fetchPeople(again = false) {
    const turn = ++latest;
    stale = false;
    // What nobody waits for any more is not gone on with.
    asking.abort();
    asking = new AbortController();
    node.setAttribute("aria-busy", "true");
    try {
      if (again || !wanted()) await load({ again });
      if (turn !== latest) return;
      if (again || hunt?.text !== wanted()) hunt = wanted() ? searchFor(wanted()) : null;
      if (hunt) {
        show({ searching: true });
        const current = hunt;
        await current.next(() => turn === latest && show({ searching: true }), asking.signal);
        if (turn !== latest) return;
      }
      show();
      if (!again) announce(status.textContent);
    } catch (error) {
      if (turn !== latest) return;
      stale = true;
      const failed = problem(error, { retry: () => fetchPeople(again) });
      if (again) grid.replaceChildren();
      bar.hidden = next.hidden = again;
      if (hunt)
        status.textContent = `${count(hunt.people.length, "person", "people")} found, and not all were looked through`;
      status.classList.remove("waiting");
      place.replaceChildren(failed);
    } finally {
      if (turn === latest) node.removeAttribute("aria-busy");
    }
  }

  function skeleton() {
    bar.hidden = next.hidden = true;
    status.textContent = "";
    grid.replaceChildren(
      ...Array.from({ length: 8 }, () => el("li", { class: "ghost", "aria-hidden": "true" })),
    );
    place.replaceChildren(el("p", { class: "visually-hidden" }, "Loading …"));
  }

  let pause = 0;
  search.addEventListener("input", () => {
    clearTimeout(pause);
    // Where everybody is loaded, nobody need be asked.
    if (wanted()) pause = setTimeout(() => void fetchPeople(), more() ? PAUSE : 0);
    else {
      latest += 1;
      asking.abort();
      node.removeAttribute("aria-busy");
      hunt = null;
      if (stale) void fetchPeople(true);
      else show();
    }
  });
  roster.addEventListener("changed", () => {
    stale = true;
    if (!node.hidden && node.isConnected) void fetchPeople(true);
  });
  return {
    node,
    show: () => {
      if (!stale) return;
      if (!grid.childElementCount) skeleton();
      void fetchPeople(true);
    },
  };
}
