// One call to the service: the key goes with it, and every refusal comes back as an ApiError.

import { readKey } from "./key.js";

/** Who wants to know when a key is refused. */
export const refusals = new EventTarget();

/** What the service refused, or that it was not reached (status 0). */
export class ApiError extends Error {
  constructor(
    status,
    { code = "error", message = "", hint = "", request_id: id = "" },
    retryAfter = null,
    needs = "read",
  ) {
    super(message || `The service answered with status ${status}.`);
    Object.assign(this, { status, code, hint, requestId: id, retryAfter, needs });
  }
}

/** Seconds that a Retry-After header asks to wait; null without one. */
function waiting(header) {
  if (!header) return null;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(1, Math.ceil(seconds));
  const until = Date.parse(header);
  return Number.isNaN(until) ? null : Math.max(1, Math.ceil((until - Date.now()) / 1000));
}

async function refused(answer, needs) {
  let body = {};
  try {
    body = (await answer.json()).error ?? {};
  } catch {
    /* a proxy may answer with something else than the envelope */
  }
  body.request_id ||= answer.headers.get("X-Request-Id") ?? "";
  return new ApiError(answer.status, body, waiting(answer.headers.get("Retry-After")), needs);
}

/**
 * Call the service.
 *
 * Options: `json` or `body`, `query` (null values are left out), `headers`, `needs` (the role, for the
 * message of a refusal), `as` ("json" or "blob"), `signal`, `key` (to try one that is not kept yet).
 */
export async function call(method, path, options = {}) {
  const {
    json,
    body,
    query = {},
    headers = {},
    needs = "read",
    as = "json",
    signal,
    key = readKey(),
  } = options;
  const asked = new URLSearchParams(
    Object.entries(query).filter(([, value]) => value !== null && value !== undefined),
  );
  const sent = { ...headers, Authorization: `Bearer ${key}` };
  if (json !== undefined) sent["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(String(asked) ? `${path}?${asked}` : path, {
      method,
      signal,
      headers: sent,
      cache: "no-store",
      credentials: "omit",
      body: json === undefined ? body : JSON.stringify(json),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(
      0,
      {
        code: "unreachable",
        message: "The service could not be reached.",
        hint: "See whether it is running and this machine is connected, then try again.",
      },
      null,
      needs,
    );
  }
  if (!answer.ok) {
    const error = await refused(answer, needs);
    if (error.status === 401) refusals.dispatchEvent(new CustomEvent("refused", { detail: error }));
    throw error;
  }
  return as === "blob" ? answer.blob() : answer.json();
}
