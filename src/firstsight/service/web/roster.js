// The people that are loaded, shared by the views that offer names.

import * as routes from "./routes.js";

/** Tells of "changed" when people were added, changed or removed. */
export const roster = new EventTarget();

let people = [];
let cursor = null;
let begun = false;
// Raised whenever people are asked for anew or changed: an answer to an older question is not taken.
let turn = 0;
let newest = null;

/** Those loaded so far. */
export const loaded = () => people;

/** Whether the service has more. */
export const more = () => cursor !== null;

/** People whom one looks at in one go. */
export const PAGE = 60;

/** Load the first page again, or the next one; who asked before waits for the newest answer. */
export function load({ again = false } = {}) {
  const fresh = again || !begun;
  // Until the first page is there anew, the next page of the old ones is nothing to ask for.
  if (fresh) begun = false;
  newest = take(fresh, ++turn);
  return newest;
}

async function take(fresh, asked) {
  const answer = await routes.people(fresh ? null : cursor, PAGE);
  if (asked !== turn) return newest ?? load();
  people = fresh ? answer.people : [...people, ...answer.people];
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
  turn += 1;
  newest = null;
  roster.dispatchEvent(new Event("changed"));
}
