// The photo with boxes and names drawn onto it.

import { el } from "./dom.js";
import { count } from "./words.js";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A box with its number and name, in pixels of the canvas; `unit` is one CSS pixel. */
function drawFace(brush, [left, top, width, height], text, known, strong, unit) {
  brush.lineJoin = "round";
  brush.strokeStyle = "rgba(0, 0, 0, .55)";
  brush.lineWidth = (strong ? 8 : 5) * unit;
  brush.strokeRect(left, top, width, height);
  brush.strokeStyle = colour(known ? "--box-known" : "--box-stranger");
  brush.lineWidth = (strong ? 5 : 2.5) * unit;
  brush.setLineDash(known ? [] : [9 * unit, 6 * unit]);
  brush.strokeRect(left, top, width, height);
  brush.setLineDash([]);
  brush.font = `600 ${14 * unit}px system-ui, sans-serif`;
  const wide = Math.min(brush.measureText(text).width + 14 * unit, brush.canvas.width);
  const high = 24 * unit;
  const x = Math.min(Math.max(0, left - unit), Math.max(0, brush.canvas.width - wide));
  const y = top - high >= 0 ? top - high : Math.min(top + height, brush.canvas.height - high);
  brush.fillStyle = colour(known ? "--box-known" : "--box-stranger");
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
    const order = [...(answer?.faces ?? []).keys()].sort(
      (one, other) => Number(one === lit) - Number(other === lit),
    );
    for (const place of order) {
      const { box, person } = answer.faces[place];
      const across = [box.left, box.top, box.width, box.height].map((length) => length * scale);
      drawFace(
        brush,
        across,
        `${place + 1} ${person ?? "nobody I know"}`,
        person !== null,
        place === lit,
        dots,
      );
    }
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
