// The grid of people.

import { announce, busy, button, el, field } from "./dom.js";
import { follow } from "./job.js";
import { openPerson } from "./person.js";
import { portrait } from "./portrait.js";
import { problem } from "./problem.js";
import { changed, load, loaded, MOST, more, PAGE, roster } from "./roster.js";
import * as routes from "./routes.js";
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
  const search = el("input", { type: "search", autocomplete: "off", placeholder: "Name or notes" });
  const grid = el("ul", { class: "people" });
  const place = el("div", { class: "stack" });
  const status = el("p", { class: "muted", role: "status" });
  const next = button("Load more", () => {
    room += PAGE;
    if (loaded().length >= room || !more()) show();
    else void busy(next, () => fetchPeople());
  });
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
  // A search may load many more people than one wants to see at once.
  let room = PAGE;

  // The grid is drawn anew when people change: who uses the keyboard stays with the person all the same.
  const focusOn = (id) => grid.querySelector(`[data-person="${id}"]`)?.focus({ preventScroll: true });
  const open = (id) => openPerson(id, focusOn);

  const wanted = () => search.value.trim();

  function found() {
    const text = wanted().toLocaleLowerCase();
    if (!text) return loaded();
    return loaded().filter((person) => `${person.name}\n${person.notes}`.toLocaleLowerCase().includes(text));
  }

  function show() {
    const people = found();
    const empty = loaded().length === 0 && !more();
    const searching = wanted() !== "" && more();
    const further = people.length > room || more();
    bar.hidden = empty;
    next.hidden = !further || searching;
    const held = grid.contains(document.activeElement) ? document.activeElement.dataset.person : null;
    grid.replaceChildren(...people.slice(0, room).map((person) => card(person, open)));
    if (held !== null) focusOn(held);
    status.classList.toggle("waiting", searching);
    if (searching)
      status.textContent = `Searching … ${count(people.length, "person", "people")} found so far`;
    else if (wanted()) status.textContent = `${count(people.length, "person", "people")} found`;
    else {
      const shown = count(Math.min(people.length, room), "person", "people");
      status.textContent = shown + (further ? " loaded, there are more" : "");
    }
    if (empty) place.replaceChildren(welcome());
    else if (!people.length && !searching)
      place.replaceChildren(el("p", { class: "panel empty" }, `Nobody found for “${wanted()}”.`));
    else place.replaceChildren();
  }

  async function fetchPeople(again = false) {
    const turn = ++latest;
    stale = false;
    node.setAttribute("aria-busy", "true");
    try {
      await load({ again, limit: wanted() ? MOST : PAGE });
      if (turn !== latest) return;
      show();
      // The service does not search: whoever may be the one who is wanted is loaded.
      if (wanted() && more()) return await fetchPeople();
      if (!again) announce(status.textContent);
    } catch (error) {
      if (turn !== latest) return;
      stale = true;
      const failed = problem(error, { retry: () => fetchPeople(again) });
      if (again) grid.replaceChildren();
      bar.hidden = next.hidden = again;
      if (wanted()) status.textContent = `${count(found().length, "person", "people")} found of those loaded`;
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

  search.addEventListener("input", () => {
    room = PAGE;
    show();
    if (wanted() && more() && !node.hasAttribute("aria-busy")) void fetchPeople();
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
