// A file as pixels: decoded by the browser, turned upright, clear parts on mid-grey, as the server does.

const MOST_PIXELS = 16_000_000; // of a picture that is held here

/** { name, blob, bitmap, pixels }; raises what a person should read. */
export async function opened(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  } catch {
    throw new Error("is no picture that this browser can read");
  }
  if (bitmap.width * bitmap.height > MOST_PIXELS) {
    throw new Error(`has ${bitmap.width} x ${bitmap.height} pixels; at most 16 million are taken`);
  }
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "rgb(128 128 128)"; // what shows through, as on the server
  context.fillRect(0, 0, bitmap.width, bitmap.height);
  context.drawImage(bitmap, 0, 0);
  const pixels = context.getImageData(0, 0, bitmap.width, bitmap.height);
  return { name: file.name || "pasted picture", blob: file, bitmap, pixels };
}
