// A key under which the service does the same request only once.

/** Random, also where `crypto.randomUUID` is missing: browsers keep that for secure pages. */
export function onceKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
