// Where the labels of several faces go, so that none of them hides another.

const meet = (one, other) =>
  one.x < other.x + other.wide &&
  other.x < one.x + one.wide &&
  one.y < other.y + other.high &&
  other.y < one.y + one.high;

/** Above a box, below it as far as the picture goes, and within it at its lower end. */
function places([left, top, width, height], wide, high, room) {
  const x = Math.min(Math.max(0, left), Math.max(0, room.wide - wide));
  const lowest = Math.max(0, room.high - high);
  const below = [top + height, top + height - high].map((y) => Math.min(Math.max(0, y), lowest));
  return [...(top >= high ? [top - high] : []), ...below].map((y) => ({ x, y, wide, high }));
}

/**
 * A label for each face: `{ x, y, wide, high, text }`.
 *
 * Each gets its number first, so that nobody goes without one; a name beside it only where the longer label
 * meets nothing of the others. `faces` have `box`, `number` and `name`; `measure` tells how wide a text is.
 */
export function arranged(faces, high, room, measure) {
  const labels = [];
  for (const { box, number } of faces) {
    const free = places(box, measure(number), high, room);
    const place = free.find((one) => !labels.some((other) => meet(one, other))) ?? free[0];
    labels.push({ ...place, text: number });
  }
  const boxes = faces.map(({ box: [x, y, wide, height] }) => ({ x, y, wide, high: height }));
  for (const [at, { box, number, name }] of faces.entries()) {
    const text = `${number} ${name}`;
    // Alone in the picture, a name that is wider than it is set narrower.
    const wide = faces.length === 1 ? Math.min(measure(text), room.wide) : measure(text);
    if (wide > room.wide) continue;
    const others = [...labels, ...boxes].filter((_, place) => place % faces.length !== at);
    const place = places(box, wide, high, room).find((one) => !others.some((other) => meet(one, other)));
    if (place) labels[at] = { ...place, text };
  }
  return labels;
}
