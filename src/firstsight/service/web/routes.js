// The routes of the service, one function each.

import { call } from "./api.js";

const write = { needs: "write" };
const admin = { needs: "admin" };
const id = encodeURIComponent;

/** A form of the fields that hold something; lists become repeated fields. */
function form(fields) {
  const made = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one instanceof Blob) made.append(name, one, one.name || "photo.jpg");
      else if (one === true) made.append(name, "true");
      else if (one !== null && one !== undefined && one !== "" && one !== false) made.append(name, one);
    }
  }
  return made;
}

const flags = ({ keepCrops = false, force = false }) => ({
  keep_crops: keepCrops ? "true" : null,
  force: force ? "true" : null,
});

export const me = (key) => call("GET", "/v1/me", { key });
export const model = () => call("GET", "/v1/model");

export const people = (cursor, limit) => call("GET", "/v1/people", { query: { limit, cursor } });
export const search = (what, signal) => call("POST", "/v1/people/search", { json: what, signal });
export const person = (number) => call("GET", `/v1/people/${id(number)}`);
export const change = (number, what) => call("PATCH", `/v1/people/${id(number)}`, { ...write, json: what });
export const merge = (number, into) =>
  call("POST", `/v1/people/${id(number)}/merge`, { ...write, json: { into } });
export const erase = (number) => call("DELETE", `/v1/people/${id(number)}`, admin);
export const exported = (number) => call("GET", `/v1/people/${id(number)}/export`, admin);

export const addPhoto = (number, photo, choices) =>
  call("POST", `/v1/people/${id(number)}/photos`, { ...write, query: flags(choices), body: form({ photo }) });
export const movePhoto = (photo, to) =>
  call("POST", `/v1/photos/${id(photo)}/move`, { ...write, json: { to } });
export const removePhoto = (photo) => call("DELETE", `/v1/photos/${id(photo)}`, write);
export const crop = (photo) => call("GET", `/v1/photos/${id(photo)}/crop`, { ...write, as: "blob" });

export const enroll = (fields, once) =>
  call("POST", "/v1/enroll", {
    ...write,
    body: form(fields),
    headers: once ? { "Idempotency-Key": once } : {},
  });
export const enrollZip = (zip, choices) =>
  call("POST", "/v1/enroll", {
    ...write,
    body: zip,
    query: flags(choices),
    headers: { "Content-Type": "application/zip" },
  });
export const samples = () => call("POST", "/v1/samples", write);
export const job = (number) => call("GET", `/v1/jobs/${id(number)}`);

export const identify = (photo, fpir, signal) =>
  call("POST", "/v1/identify", { query: { fpir }, body: form({ photo }), signal });
export const verify = (left, right, fmr) =>
  call("POST", "/v1/verify", { query: { fmr }, body: form({ left, right }) });
