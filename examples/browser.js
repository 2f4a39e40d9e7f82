// What examples/browser.html does with a picture; onnxruntime-web is given as `ort`.
import { preprocess } from "./preprocess.js";

/** The network of a bundle: its address, or its bytes. */
export const opened = (ort, model) => ort.InferenceSession.create(model);

/** rgb: height * width * 3 bytes, cut out around the sign -> the class's number and the confidence. */
export async function answer(ort, session, rgb, width, height, temperature) {
  const square = preprocess(rgb, width, height);
  const size = Math.sqrt(square.length / 3);
  const { logits } = await session.run({ images: new ort.Tensor("uint8", square, [1, size, size, 3]) });
  const scaled = Array.from(logits.data, (logit) => logit / temperature);
  const most = Math.max(...scaled);
  const total = scaled.reduce((sum, logit) => sum + Math.exp(logit - most), 0);
  return { index: scaled.indexOf(most), confidence: 1 / total };
}
