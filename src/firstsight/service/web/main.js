// The page: asks for a key, then shows one view at a time, by the address's fragment.

import { el } from "./dom.js";
import { enrolView } from "./enrol.js";
import { identifyView } from "./identify.js";
import { sweep } from "./pasting.js";
import { peopleView } from "./people.js";
import * as routes from "./routes.js";
import { changed } from "./roster.js";
import { enter, leave, may, whoIs } from "./session.js";
import { verifyView } from "./verify.js";

const ALL = {
  people: { make: peopleView, needs: "read" },
  enrol: { make: enrolView, needs: "write" },
  identify: { make: identifyView, needs: "read" },
  verify: { make: verifyView, needs: "read" },
};
const views = new Map();
const main = document.getElementById("main");
const tabs = document.getElementById("tabs");
let shown = null;

function show() {
  const asked = location.hash.slice(1);
  const name = asked in ALL && may(ALL[asked].needs) ? asked : "people";
  for (const link of tabs.querySelectorAll("a")) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (!views.has(name)) {
    views.set(name, ALL[name].make());
    main.append(views.get(name).node);
  }
  const moved = shown !== null && shown !== name;
  for (const [other, view] of views) {
    if (other !== name && !view.node.hidden) view.hide?.();
    view.node.hidden = other !== name;
  }
  shown = name;
  document.title = `${name[0].toUpperCase()}${name.slice(1)} · firstsight`;
  views.get(name).show?.();
  if (moved) views.get(name).node.querySelector("h1")?.focus({ preventScroll: true });
  if (moved) scrollTo(0, 0);
}

/** Start over for another key: what one key may see is not shown to the next. */
function restart() {
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  for (const view of views.values()) {
    view.hide?.();
    view.node.remove();
  }
  views.clear();
  changed();
  sweep();
  begin();
}

async function describe() {
  const place = document.getElementById("model");
  try {
    const model = await routes.model();
    const rows = {
      Model: `${model.title} (${model.name})`,
      "Trained on": model.trained_on,
      Limits: model.limits,
      Licence: model.licence,
    };
    place
      .querySelector("dl")
      .replaceChildren(
        ...Object.entries(rows).flatMap(([term, text]) => [
          el("dt", {}, term),
          el("dd", {}, [text].flat().join(" ")),
        ]),
      );
    place.hidden = false;
  } catch {
    place.hidden = true;
  }
}

function begin() {
  document.getElementById("who-text").textContent = whoIs();
  document.getElementById("who").hidden = false;
  for (const link of tabs.querySelectorAll("a")) link.hidden = !may(ALL[link.dataset.view].needs);
  tabs.hidden = false;
  show();
  void describe();
}

document.getElementById("forget").addEventListener("click", leave);
// At once: a browser goes to a fragment a moment later, and would take the focus back from the next Tab.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
window.addEventListener("hashchange", () => {
  if (shown !== null) show();
});
const opening = el("p", { class: "waiting", role: "status" }, "Opening …");
main.append(opening);
await enter(restart);
opening.remove();
begin();
