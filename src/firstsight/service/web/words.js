// Numbers and dates in words.

/** A similarity, with two digits, or "–". */
export const score = (value) =>
  value === null || value === undefined ? "–" : value.toFixed(2).replace("-", "−");

/** A similarity and what it is held to, with as many digits as it takes to see which is greater. */
export function held(value, threshold) {
  let digits = 2;
  while (digits < 5 && value !== threshold && value.toFixed(digits) === threshold.toFixed(digits))
    digits += 1;
  return [value, threshold].map((one) => one.toFixed(digits).replace("-", "−"));
}

/** A count with its noun. */
export const count = (number, one, many = `${one}s`) =>
  `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

/** The size of a file. */
export const size = (bytes) =>
  bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;

/** A rate: 0.01 is "1 in 100". */
export const rate = (value) => `1 in ${Math.round(1 / value).toLocaleString("en")}`;

/** A day, from an ISO date or time. */
export function day(iso) {
  const at = new Date(iso);
  return Number.isNaN(at.getTime())
    ? String(iso)
    : at.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
}

/** A moment, from an ISO time. */
export function moment(iso) {
  const at = new Date(iso);
  return Number.isNaN(at.getTime())
    ? String(iso)
    : at.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
}

/** From so many times on one of two answers is called likelier than the other. */
export const TELLING = 1.5;

/** What a likelihood ratio says; nothing when it says nothing. */
export function likelihood(ratio) {
  if (!Number.isFinite(ratio) || ratio <= 0) return "";
  const times = ratio >= 1 ? ratio : 1 / ratio;
  const shown = times >= 1e6 ? "over a million" : Number(times.toPrecision(2)).toLocaleString("en");
  const [likely, other] = ratio >= 1 ? ["one person", "two people"] : ["two people", "one person"];
  if (times < TELLING)
    return "Such a similarity is about as likely for two photos of one person as of two people.";
  return `Such a similarity is ${shown} times likelier for two photos of ${likely} than of ${other}.`;
}
