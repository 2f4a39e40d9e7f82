// The model in this browser: onnxruntime-web, one thread, nothing sent anywhere.

import * as ort from "./vendor/ort.wasm.min.mjs";
import { answer, probabilities } from "./answer.js";
import { resize, widened } from "./resize.js";

const ROOM = 0.1; // around a box, as on the server
const PATCHES = 6; // along a side, hidden one by one for the saliency overlay

ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = new URL("./vendor/", import.meta.url).href;

export class LocalModel {
  /** Read the bundle's manifest and network; both lie beside this page. */
  static async load() {
    const [manifest, network] = await Promise.all([
      fetched("model/manifest.json").then((response) => response.json()),
      fetched("model/crop.onnx").then((response) => response.arrayBuffer()),
    ]);
    const session = await ort.InferenceSession.create(network, { executionProviders: ["wasm"] });
    return new LocalModel(manifest, session);
  }

  constructor(manifest, session) {
    this.manifest = manifest;
    this.session = session;
  }

  /** The crop that the network takes of a picture, and its answer. */
  async predict(pixels, name, box = null, top = 3) {
    const crop = this.crop(pixels, box);
    const [logits] = await this.logits([crop]);
    return { ...answer(logits, this.manifest, name, top), box };
  }

  /** (size * size * 3) bytes. */
  crop(pixels, box) {
    const around = box && widened(box, ROOM, pixels.width, pixels.height);
    return resize(pixels, this.manifest.input.size, around);
  }

  /** One row of logits for each crop. */
  async logits(crops) {
    const size = this.manifest.input.size;
    const data = new Uint8Array(crops.length * size * size * 3);
    crops.forEach((crop, i) => data.set(crop, i * size * size * 3));
    const images = new ort.Tensor("uint8", data, [crops.length, size, size, 3]);
    const { logits } = await this.session.run({ images });
    const classes = this.manifest.classes.length;
    return crops.map((_, i) => logits.data.slice(i * classes, (i + 1) * classes));
  }

  /** How much less sure the answer is with each part hidden: PATCHES rows of PATCHES numbers from 0 to 1. */
  async saliency(pixels, predicted, box = null) {
    const crop = this.crop(pixels, box);
    const size = this.manifest.input.size;
    const mean = crop.reduce((sum, value) => sum + value, 0) / crop.length;
    const hidden = [crop];
    for (let row = 0; row < PATCHES; row++) {
      for (let column = 0; column < PATCHES; column++) {
        hidden.push(covered(crop, size, row, column, mean));
      }
    }
    const place = this.manifest.classes.indexOf(predicted);
    const rows = await this.logits(hidden);
    const [whole, ...parts] = rows.map((logits) => Math.log(probabilities(logits, this.manifest.temperature)[place]));
    const lost = parts.map((part) => Math.max(0, whole - part));
    const most = Math.max(...lost, 1e-6);
    return Array.from({ length: PATCHES }, (_, row) =>
      lost.slice(row * PATCHES, (row + 1) * PATCHES).map((value) => value / most),
    );
  }
}

function covered(crop, size, row, column, grey) {
  const copy = crop.slice();
  const side = size / PATCHES;
  for (let y = Math.floor(row * side); y < Math.ceil((row + 1) * side); y++) {
    copy.fill(grey, 3 * (y * size + Math.floor(column * side)), 3 * (y * size + Math.ceil((column + 1) * side)));
  }
  return copy;
}

async function fetched(path) {
  const response = await fetch(path);
  if (!response.ok) {
    throw new Error(`${path} cannot be had (${response.status})`);
  }
  return response;
}
