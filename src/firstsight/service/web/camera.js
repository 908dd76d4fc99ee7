// The camera: opened when asked, closed when done.

import { button, busy, el } from "./dom.js";
import { sheet } from "./sheet.js";
import { still } from "./picture.js";

const REASONS = {
  NotAllowedError:
    "The browser was not allowed to use the camera. Allow it in the address bar, then try again.",
  NotFoundError: "No camera was found.",
  NotReadableError: "Another program is using the camera.",
};

/** Whether this page may have a camera at all: browsers give one to HTTPS and to localhost only. */
const hasCamera = () => Boolean(navigator.mediaDevices?.getUserMedia);

/** Show the camera in a video element; the answer closes it. Throws an Error that says what is wrong. */
export async function openCamera(video) {
  if (!hasCamera()) throw new Error("The browser gives pages a camera over HTTPS or on localhost only.");
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: "user", width: { ideal: 1280 } },
    });
  } catch (error) {
    throw new Error(REASONS[error.name] ?? `The camera could not be opened (${error.name}).`);
  }
  const close = () => {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  };
  video.srcObject = stream;
  try {
    await video.play();
  } catch {
    close();
    throw new Error("The camera gave no picture.");
  }
  return close;
}

/** Let the user take one photo; null when they close the dialog instead. */
export function takeStill() {
  return new Promise((resolve) => {
    const video = el("video", { playsinline: true, muted: true, "aria-label": "What the camera shows" });
    video.muted = true;
    const trouble = el("p", { class: "problem", role: "alert", hidden: true });
    let close = () => {};
    let photo = null;
    let gone = false;
    const take = button(
      "Take the photo",
      () =>
        busy(take, async () => {
          photo = await still(video);
          dialog.close();
        }),
      { kind: "main", disabled: true },
    );
    const dialog = sheet("Camera", [video, trouble, el("div", { class: "row" }, take)], () => {
      gone = true;
      close();
      resolve(photo);
    });
    openCamera(video).then(
      (shut) => {
        if (gone) return shut();
        close = shut;
        take.disabled = false;
        take.focus();
        return undefined;
      },
      (error) => {
        video.hidden = true;
        trouble.hidden = false;
        trouble.textContent = error.message;
      },
    );
  });
}
