// Who is in a photo, or in front of the camera.

import { announce, busy, button, el, field, reveal } from "./dom.js";
import { askName } from "./correction.js";
import { askDisown } from "./disown.js";
import { faceItem } from "./face.js";
import { goLive } from "./live.js";
import { picker } from "./picker.js";
import { cutOut, decode } from "./picture.js";
import { problem } from "./problem.js";
import * as routes from "./routes.js";
import { stage } from "./stage.js";
import { count, rate } from "./words.js";

const RATES = [0.1, 0.01, 0.001];

/** The names in a line, for those who hear the page. */
const heard = (answer) =>
  answer.faces.length
    ? `${count(answer.faces.length, "face")}: ${answer.faces.map((face) => face.person ?? "nobody I know").join(", ")}.`
    : "No face was found.";

/** The view. */
export function identifyView() {
  const scene = stage();
  const list = el("ol", { class: "faces" });
  const summary = el("p", { class: "muted" });
  const place = el("div", {});
  const title = el("h1", { id: "identify-title", tabindex: "-1" }, "Identify");
  const careful = el(
    "select",
    {},
    RATES.map((fpir) => el("option", { value: fpir }, `${rate(fpir)} strangers named`)),
  );
  careful.value = "0.01";
  let photo = null;
  // Raised whenever what is asked changes, be it the photo or the rate.
  let turn = 0;
  let bitmap = null;
  let stop = null;
  // Raised whenever the camera is wanted or not wanted any more; it opens long after it was asked for.
  let opening = 0;
  let names = "";

  function show(picture, answer) {
    bitmap = picture;
    scene.show(picture, answer);
    const faces = answer.faces.map((face, number) => {
      const cut = picture ? cutOut(picture, face.box, 0.15) : null;
      cut?.setAttribute("aria-hidden", "true");
      cut?.classList.add("portrait");
      return faceItem(face, number, answer.fpir, cut, act);
    });
    // The list is drawn anew: who uses the keyboard stays with the face that they were at.
    const at = [...list.children].findIndex((item) => item.contains(document.activeElement));
    list.replaceChildren(...faces);
    if (at >= 0) (faces[at]?.querySelector("button") ?? title).focus({ preventScroll: true });
    summary.textContent = answer.faces.length
      ? `${count(answer.faces.length, "face")}, compared with ${count(answer.templates, "enrolled photo")}.`
      : "No face was found. Use a photo in which the whole face can be seen.";
    if (answer.templates === 0 && answer.faces.length)
      summary.textContent += " Nobody is enrolled yet, so everybody is a stranger.";
    // Live, only a change is worth a word.
    if (heard(answer) !== names) announce(heard(answer));
    names = heard(answer);
  }

  async function run() {
    if (!photo) return;
    const asked = ++turn;
    place.replaceChildren(el("p", { class: "waiting", role: "status" }, "Looking …"));
    names = "";
    try {
      const [picture, answer] = await Promise.all([decode(photo), routes.identify(photo, careful.value)]);
      if (asked !== turn) return picture?.close();
      place.replaceChildren();
      show(picture, answer);
      reveal(scene.node);
    } catch (error) {
      if (asked !== turn) return;
      // What was seen in another photo must not stand beside this one's refusal.
      clear();
      place.replaceChildren(problem(error, { retry: run }));
    }
  }

  const act = {
    light: (number) => scene.light(number),
    wrong(face) {
      hold();
      if (bitmap) askName(face, cutOut(bitmap, face.box), run);
      else
        place.replaceChildren(
          el(
            "p",
            { class: "problem", role: "alert" },
            "The browser cannot cut a face out of this kind of picture: enrol it as a JPEG or PNG.",
          ),
        );
    },
    disown(face) {
      hold();
      const stricter = RATES[RATES.indexOf(Number(careful.value)) + 1];
      askDisown(face, bitmap ? cutOut(bitmap, face.box, 0.3) : null, Number(careful.value), {
        done: run,
        stricter: stricter
          ? () => {
              careful.value = String(stricter);
              void run();
            }
          : null,
      });
    },
  };

  const drop = picker({
    title: "A photo",
    preview: false,
    hint: "or drop it here, or paste it. It is not stored.",
    picked: ([file]) => {
      end();
      photo = file;
      void run();
    },
  });
  const live = button("Live camera", () => (stop ? end() : busy(live, begin)), { "aria-pressed": "false" });
  drop.node.querySelector(".row").append(live);

  function pressed(on) {
    live.textContent = on ? "Stop the camera" : "Live camera";
    live.setAttribute("aria-pressed", String(on));
  }

  function clear() {
    list.replaceChildren();
    summary.textContent = "";
    bitmap = null;
    scene.show(null, null);
  }

  async function begin() {
    place.replaceChildren();
    clear();
    photo = null;
    turn += 1;
    let asked = turn;
    const begun = ++opening;
    const asking = () => {
      asked = turn;
      return careful.value;
    };
    scene.live(true);
    try {
      const close = await goLive(scene.video, asking, {
        seen(picture, answer, frame) {
          if (asked !== turn) return picture?.close();
          place.replaceChildren();
          // A list that is being used must not change under the hand.
          if (list.contains(document.activeElement)) return picture?.close();
          photo = frame;
          return show(picture, answer);
        },
        failed(error) {
          if (error.status === 401 || error.status === 403) end();
          place.replaceChildren(problem(error));
        },
      });
      if (begun !== opening) return close();
      stop = close;
      pressed(true);
      reveal(scene.node);
    } catch (error) {
      if (begun !== opening) return;
      scene.live(false);
      scene.show(null, null);
      place.replaceChildren(el("p", { class: "problem", role: "alert" }, error.message));
    }
  }

  /** Stop the camera and keep its last frame on the page, to act on. */
  function hold() {
    if (!stop) return;
    end();
  }

  function end() {
    opening += 1;
    stop?.();
    stop = null;
    scene.live(false);
    pressed(false);
  }

  careful.addEventListener("change", () => {
    if (stop) turn += 1;
    else void run();
  });
  const node = el(
    "section",
    { "aria-labelledby": "identify-title" },
    title,
    el(
      "p",
      { class: "lead" },
      "Who is in this photo? The answer may be nobody. A photo held to the camera passes: there is no liveness detection.",
    ),
    el(
      "div",
      { class: "bar" },
      drop.node,
      field("How careful", careful, "How many strangers may be named wrongly."),
    ),
    place,
    el("div", { class: "columns wide-left" }, scene.node, el("div", { class: "stack" }, summary, list)),
  );
  return { node, hide: end };
}
