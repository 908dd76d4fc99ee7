// The picture of a person: the face kept at enrolment, or initials on a colour of their own.

import { ApiError } from "./api.js";
import { el } from "./dom.js";
import * as routes from "./routes.js";
import { may } from "./session.js";

const MOST = 400;
const AT_ONCE = 3;
const crops = new Map();
const waiting = [];
let running = 0;

/** Try again after as long a wait as the service asks for. */
async function patient(work) {
  for (let turn = 0; ; turn += 1) {
    try {
      return await work();
    } catch (error) {
      if (turn === 2 || !(error.status === 429 || error.status === 503)) throw error;
      await new Promise((resolve) => {
        setTimeout(resolve, (error.retryAfter ?? 3) * 1000);
      });
    }
  }
}

/** Run at most a few loads at a time: a grid of people must not use up the rate that the key has. */
function queued(work) {
  return new Promise((resolve, reject) => {
    waiting.push(() =>
      patient(work)
        .then(resolve, reject)
        .finally(() => {
          running -= 1;
          next();
        }),
    );
    next();
  });
}

function next() {
  while (running < AT_ONCE && waiting.length) {
    running += 1;
    waiting.shift()();
  }
}

/** Whether the key may see kept pictures: otherwise each one asked for would be a refusal in the audit log. */
const sees = () => may("write");

/** Address of a kept crop; null when there is none (any more). */
function address(photo) {
  if (!crops.has(photo)) {
    if (crops.size >= MOST) drop(crops.keys().next().value);
    crops.set(
      photo,
      queued(() => routes.crop(photo)).then(URL.createObjectURL, (error) => {
        if (!(error instanceof ApiError && error.status === 404)) crops.delete(photo);
        return null;
      }),
    );
  }
  return crops.get(photo);
}

/** Let go of a photo's crop. */
export function drop(photo) {
  void crops.get(photo)?.then((url) => url && URL.revokeObjectURL(url));
  crops.delete(photo);
}

function initials(name) {
  const letters = name
    .split(/\s+/u)
    .map((word) => word.match(/[\p{L}\p{N}]/u)?.[0])
    .filter(Boolean);
  return [letters[0] ?? "?", letters.length > 1 ? letters.at(-1) : ""].join("").toUpperCase();
}

/** Initials on a colour that stays the same for the same id. */
function blank(name, id) {
  const node = el("span", { class: "portrait", "aria-hidden": "true" }, initials(name));
  node.style.setProperty("--hue", String(Math.round((Number(id) * 137.508) % 360)));
  return node;
}

function fill(node, url) {
  if (!url) return;
  const image = el("img", { src: url, alt: "" });
  node.replaceChildren(image);
}

/** Portrait of one photo of a person. */
export function photoPortrait(photo, name, id) {
  const node = blank(name, id);
  if (photo.crop_kept && sees()) void address(photo.id).then((url) => fill(node, url));
  return node;
}

const eyes = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      eyes.unobserve(entry.target);
      void entry.target.load();
    }
  },
  { rootMargin: "200px" },
);

/** Portrait of a person; their photos are looked up when it comes into sight. */
export function portrait(person) {
  const node = blank(person.name, person.id);
  node.load = async () => {
    try {
      const kept = (await queued(() => routes.person(person.id))).photos.find((photo) => photo.crop_kept);
      if (kept) fill(node, await address(kept.id));
    } catch {
      /* the initials stay */
    }
  };
  if (person.templates > 0 && sees()) eyes.observe(node);
  return node;
}
