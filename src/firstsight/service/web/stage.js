// The photo with boxes and names drawn onto it.

import { el } from "./dom.js";
import { arranged } from "./labels.js";
import { count } from "./words.js";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const ink = (known) => colour(known ? "--box-known" : "--box-stranger");

/** A box, in pixels of the canvas; `unit` is one CSS pixel. */
function drawBox(brush, [left, top, width, height], known, strong, unit) {
  brush.lineJoin = "round";
  brush.strokeStyle = "rgba(0, 0, 0, .55)";
  brush.lineWidth = (strong ? 8 : 5) * unit;
  brush.strokeRect(left, top, width, height);
  brush.strokeStyle = ink(known);
  brush.lineWidth = (strong ? 5 : 2.5) * unit;
  brush.setLineDash(known ? [] : [9 * unit, 6 * unit]);
  brush.strokeRect(left, top, width, height);
  brush.setLineDash([]);
}

/** A number, with the name where there is room for it. */
function drawLabel(brush, { x, y, wide, high, text }, known, unit) {
  brush.fillStyle = ink(known);
  brush.beginPath();
  brush.roundRect(x, y, wide, high, 5 * unit);
  brush.fill();
  brush.fillStyle = "#10201b";
  brush.textBaseline = "middle";
  brush.fillText(text, x + 7 * unit, y + high / 2 + unit, wide - 14 * unit);
}

/** What the photo shows, in words. */
function described(answer) {
  if (!answer.faces.length) return "Photo without a face";
  return `Photo with ${count(answer.faces.length, "face")}: ${answer.faces.map((face) => face.person ?? "nobody known").join(", ")}`;
}

/** A stage: `show(bitmap, answer)`, `light(place)` for one face, `video` for the camera. */
export function stage() {
  const canvas = el("canvas", { role: "img", hidden: true });
  const video = el("video", {
    playsinline: true,
    muted: true,
    hidden: true,
    "aria-label": "What the camera shows",
  });
  video.muted = true;
  const unseen = el(
    "p",
    { class: "unseen", hidden: true },
    "Your browser cannot show this kind of picture. What was found is listed beside it.",
  );
  const node = el("div", { class: "stage", hidden: true }, video, canvas, unseen);
  let bitmap = null;
  let answer = null;
  let lit = -1;

  function draw() {
    const [wide, high] = answer
      ? [answer.width, answer.height]
      : bitmap
        ? [bitmap.width, bitmap.height]
        : [0, 0];
    const room = node.clientWidth;
    if (!wide || !high || !room) return;
    const live = !video.hidden;
    const fit = Math.min(room / wide, live ? Infinity : Math.max(280, innerHeight * 0.68) / high);
    const dots = Math.min(3, devicePixelRatio || 1);
    canvas.style.width = `${wide * fit}px`;
    canvas.style.height = `${high * fit}px`;
    canvas.width = Math.round(wide * fit * dots);
    canvas.height = Math.round(high * fit * dots);
    const brush = canvas.getContext("2d");
    if (bitmap && !live) brush.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    const scale = canvas.width / wide;
    const faces = (answer?.faces ?? []).map(({ box, person }, place) => ({
      box: [box.left, box.top, box.width, box.height].map((length) => length * scale),
      number: `${place + 1}`,
      name: person ?? "nobody I know",
      known: person !== null,
    }));
    const order = [...faces.keys()].sort((one, other) => Number(one === lit) - Number(other === lit));
    for (const place of order) drawBox(brush, faces[place].box, faces[place].known, place === lit, dots);
    // After all boxes: a label is read, whoever stands beside it.
    brush.font = `600 ${14 * dots}px system-ui, sans-serif`;
    const whole = { wide: canvas.width, high: canvas.height };
    const wideOf = (text) => brush.measureText(text).width + 14 * dots;
    for (const [place, label] of arranged(faces, 24 * dots, whole, wideOf).entries())
      drawLabel(brush, label, faces[place].known, dots);
  }

  new ResizeObserver(draw).observe(node);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  return {
    node,
    canvas,
    video,
    show(picture, found) {
      if (bitmap && bitmap !== picture) bitmap.close();
      bitmap = picture;
      answer = found;
      lit = -1;
      node.hidden = !picture && !found && video.hidden;
      canvas.hidden = !picture && !found;
      unseen.hidden = Boolean(picture) || !found;
      if (found) canvas.setAttribute("aria-label", described(found));
      draw();
    },
    light(place) {
      lit = place;
      draw();
    },
    live(on) {
      video.hidden = !on;
      node.classList.toggle("live", on);
      if (on) node.hidden = false;
      draw();
    },
  };
}
