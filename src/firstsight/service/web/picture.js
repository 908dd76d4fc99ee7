// Pictures in the browser: decoded upright, cut out, and named.

/** The picture, upright; null when the browser cannot show this format (the service may read it still). */
export async function decode(blob) {
  try {
    return await createImageBitmap(blob);
  } catch {
    return null;
  }
}

const asJpeg = (canvas, name) =>
  new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) =>
        blob
          ? resolve(new File([blob], name, { type: "image/jpeg" }))
          : reject(new Error("The picture could not be made.")),
      "image/jpeg",
      0.95,
    );
  });

/** A canvas of that size with part of a picture drawn onto it. */
function drawn(source, [left, top, width, height], [wide, high]) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(wide));
  canvas.height = Math.max(1, Math.round(high));
  canvas.getContext("2d").drawImage(source, left, top, width, height, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** A face and `margin` of its size around it, inside the picture, as a canvas. */
export function cutOut(bitmap, box, margin = 0.6) {
  const left = Math.max(0, box.left - box.width * margin);
  const top = Math.max(0, box.top - box.height * margin);
  const right = Math.min(bitmap.width, box.left + box.width * (1 + margin));
  const bottom = Math.min(bitmap.height, box.top + box.height * (1 + margin));
  return drawn(bitmap, [left, top, right - left, bottom - top], [right - left, bottom - top]);
}

/** That canvas as a file. */
export const toFile = (canvas, name) => asJpeg(canvas, name);

/** What a camera shows now, at most `side` pixels wide or high. */
export function still(video, side = 1280, name = "camera.jpg") {
  const shrink = Math.min(1, side / Math.max(video.videoWidth, video.videoHeight));
  const size = [video.videoWidth * shrink, video.videoHeight * shrink];
  return asJpeg(drawn(video, [0, 0, video.videoWidth, video.videoHeight], size), name);
}
