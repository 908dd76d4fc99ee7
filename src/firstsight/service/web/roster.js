// The people that are loaded, shared by the views that offer names.

import * as routes from "./routes.js";

/** Tells of "changed" when people were added, changed or removed. */
export const roster = new EventTarget();

let people = [];
let cursor = null;
let begun = false;

/** Those loaded so far. */
export const loaded = () => people;

/** Whether the service has more. */
export const more = () => cursor !== null;

/** Load the first page again, or the next one. */
export async function load({ again = false } = {}) {
  const answer = await routes.people(again || !begun ? null : cursor);
  people = again || !begun ? answer.people : [...people, ...answer.people];
  cursor = answer.next;
  begun = true;
}

/** Load the first page unless that was done. */
export const ready = async () => {
  if (!begun) await load();
};

/** Say that people changed. */
export function changed() {
  begun = false;
  roster.dispatchEvent(new Event("changed"));
}
