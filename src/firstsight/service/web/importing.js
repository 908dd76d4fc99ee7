// Many people at once: a zip of folders, one folder for each person.

import { busy, button, el, tick } from "./dom.js";
import { follow } from "./job.js";
import { picker } from "./picker.js";
import { problem } from "./problem.js";
import { changed } from "./roster.js";
import * as routes from "./routes.js";
import { size } from "./words.js";

/** The panel of the import. */
export function importing() {
  const place = el("div", {});
  const chosen = el("p", { class: "muted", hidden: true });
  const keep = tick("Keep pictures of the faces", "As for one person; it holds for everybody in the zip.");
  const force = tick(
    "Enrol poor photos as well",
    "Small, blurred, dark or turned faces make mistakes likelier.",
  );
  let zip = null;
  const drop = picker({
    title: "A zip of folders",
    hint: "or drop it here. One folder for each person, named after them, with their photos in it.",
    accept: ".zip,application/zip",
    camera: false,
    preview: false,
    picked: ([file]) => {
      zip = file;
      chosen.hidden = false;
      chosen.textContent = `${file.name}, ${size(file.size)}`;
      start.disabled = false;
    },
  });
  drop.node.querySelector("button").textContent = "Choose a zip";
  const start = button("Import", () => run(), { kind: "main", disabled: true });
  const run = () =>
    busy(start, async () => {
      place.replaceChildren(el("p", { class: "waiting", role: "status" }, "Sending the zip …"));
      try {
        const job = await routes.enrollZip(zip, { keepCrops: keep.box.checked, force: force.box.checked });
        await follow(job, place, "Import");
      } catch (error) {
        place.replaceChildren(problem(error, { retry: run }));
      }
      changed();
    });
  return el(
    "div",
    { class: "panel stack" },
    el("h2", {}, "Many people"),
    drop.node,
    chosen,
    keep.node,
    force.node,
    el("div", { class: "row" }, start),
    place,
    el(
      "small",
      {},
      "What is refused does not stop the others. Photos that are there already are passed over, so the same zip can be sent again.",
    ),
  );
}
