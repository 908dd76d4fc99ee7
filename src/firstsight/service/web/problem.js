// What went wrong, said so that a person can do something about it.

import { ApiError } from "./api.js";
import { button, el } from "./dom.js";

const HEADINGS = {
  0: "No connection",
  401: "The key was refused",
  403: "This key may not do that",
  404: "Not found",
  409: "That cannot be",
  413: "Too large",
  415: "Not a picture the service reads",
  422: "Not accepted",
  429: "Too many requests",
  503: "Busy at the moment",
};

/** The page's own advice, which takes the place of the service's. */
const OWN = {
  401: () => "Enter another key; ask whoever runs this service for one.",
  403: (error) => `It takes a key with the role “${error.needs}”.`,
};

/** A line that counts down, and frees the button at its end. */
function countdown(seconds, again) {
  let left = seconds;
  const line = el("p", { "aria-live": "off" });
  const show = () => {
    line.textContent =
      left > 0 ? `Try again in ${left} second${left === 1 ? "" : "s"}.` : "You can try again now.";
    if (again) again.disabled = left > 0;
  };
  show();
  const timer = setInterval(() => {
    left -= 1;
    show();
    if (left <= 0) clearInterval(timer);
  }, 1000);
  return line;
}

/**
 * A notice of an error: message, hint and request id.
 *
 * `retry` adds a button that tries again; `force` one that goes on in spite of poor quality.
 */
export function problem(error, { retry = null, force = null } = {}) {
  const known = error instanceof ApiError;
  // Asking the same again helps when the service was the reason, not when the request was.
  const passing = !known || error.status === 0 || error.status === 429 || error.status >= 500;
  const again = retry && passing ? button("Try again", retry) : null;
  const parts = [
    el(
      "strong",
      {},
      known ? (HEADINGS[error.status] ?? "The service could not do it") : "Something on this page failed",
    ),
    el("p", {}, error.message),
  ];
  // What the service advises on keys is for whoever runs it; who uses the page can only ask for one.
  const own = known ? OWN[error.status]?.(error) : null;
  if (known && (own ?? error.hint)) parts.push(el("p", {}, own ?? error.hint));
  if (known && (error.status === 429 || error.status === 503))
    parts.push(countdown(error.retryAfter ?? 10, again));
  const poor = force && known && error.code === "poor_quality";
  const buttons = [poor ? button("Enrol it all the same", force) : null, again].filter(Boolean);
  if (poor) parts.push(el("p", {}, "A poor photo makes mistakes likelier, for this person and for others."));
  if (buttons.length) parts.push(el("div", { class: "row" }, buttons));
  if (known && error.requestId)
    parts.push(el("p", { class: "fine" }, "Request ", el("code", {}, error.requestId)));
  return el("div", { class: "problem", role: "alert" }, parts);
}
