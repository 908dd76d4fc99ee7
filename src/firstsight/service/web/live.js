// The camera, live: a frame a second goes to the service, and none is stored.

import { openCamera } from "./camera.js";
import { decode, still } from "./picture.js";
import * as routes from "./routes.js";

const EVERY = 1000;

/**
 * Begin. `seen(bitmap, answer, photo)` is called for each frame, `failed(error)` when one is refused.
 *
 * The answer stops it. A frame is sent when the last one is answered, so that a slow service is not
 * flooded; after 429 or 503 it waits as long as it is told.
 */
export async function goLive(video, rate, { seen, failed }) {
  const close = await openCamera(video);
  const ending = new AbortController();
  let timer = 0;
  async function frame() {
    const begun = Date.now();
    let wait = EVERY;
    try {
      if (!document.hidden) {
        const photo = await still(video, 960, "frame.jpg");
        const answer = await routes.identify(photo, rate(), ending.signal);
        const bitmap = await decode(photo);
        if (ending.signal.aborted) return;
        seen(bitmap, answer, photo);
      }
    } catch (error) {
      if (ending.signal.aborted || error.name === "AbortError") return;
      failed(error);
      wait = (error.retryAfter ?? (error.status === 429 || error.status === 503 ? 10 : 3)) * 1000;
    }
    timer = setTimeout(frame, Math.max(100, wait - (Date.now() - begun)));
  }
  void frame();
  return () => {
    ending.abort();
    clearTimeout(timer);
    close();
  };
}
