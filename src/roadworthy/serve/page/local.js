// The model in this browser: onnxruntime-web, one thread, nothing sent anywhere.

import * as ort from "./vendor/ort.wasm.min.mjs";
import { answer, foundAnswer, probabilities, surer, wantsCloser } from "./answer.js";
import { findSigns } from "./boxes.js";
import { hasColour } from "./colour.js";
import { enlarged, findOne, shrink } from "./find.js";
import { refusal } from "./model_check.js";
import { resize, square, widened } from "./resize.js";

const PATCHES = 6; // along a side, hidden one by one for the saliency overlay

ort.env.wasm.numThreads = 1;
ort.env.wasm.proxy = true; // in a worker: the page stays alive while a closer look takes seconds
ort.env.wasm.wasmPaths = new URL("./vendor/", import.meta.url).href;

export class LocalModel {
  /** model: model/manifest.json; read: fetches a file beside it.  Raises where it could answer otherwise than the server. */
  static async load(model, read) {
    const reason = refusal(model);
    if (reason) {
      throw new Error(reason);
    }
    const names = ["crop", model.windows && "crop-find", model.finder && "find"];
    const networks = names.map(async (name) => (name ? session(await read(`model/${name}.onnx`)) : null));
    return new LocalModel(model, ...(await Promise.all(networks)));
  }

  /** windows: for a closer look at a picture.  finder: finds all signs in one. */
  constructor(model, crops, windows = null, finder = null) {
    this.model = model;
    this.session = crops;
    this.windows = windows;
    this.finder = finder;
  }

  /** The answer for a picture; where it is not sure at first, the one of a closer look. */
  async predict(pixels, name, box = null, top = 3) {
    const [logits] = await this.logits([this.crop(pixels, box)]);
    const colourless = !this.model.without_colour && !hasColour(pixels, this.model.rules.colour);
    const first = { ...answer(logits, this.model, name, top, colourless), box };
    if (box || !this.windows || !wantsCloser(first, this.model)) {
      return first;
    }
    return surer(first, await this.lookCloser(pixels), this.model, top, colourless);
  }

  /** The answers for all signs found in a picture, surest first. */
  async predictAll(pixels, name, top = 3) {
    const colourless = !this.model.without_colour && !hasColour(pixels, this.model.rules.colour);
    const { classes, finder, rules, temperature } = this.model;
    const { room } = rules.boxes;
    const reader = {
      nothing: classes.indexOf(rules.no_sign),
      temperature,
      say: (boxes) => this.logits(boxes.map((box) => this.crop(pixels, box, room))),
    };
    const where = { threshold: finder.threshold, cells: (...given) => this.cells(...given) };
    const looked = { tallColumnsFirst: rules.tall_columns_first };
    const found = await findSigns(pixels, where, reader, rules.boxes, looked);
    return found.map((one) => foundAnswer(one, this.model, name, top, colourless));
  }

  /** The signs that a closer look finds in a picture of one. */
  async lookCloser(whole) {
    const { classes, temperature, rules, windows } = this.model;
    const { pixels, factor } = shrink(whole, windows.input.size, rules.find);
    const nothing = classes.indexOf(rules.no_sign);
    const wide = {
      size: windows.input.size,
      stride: windows.stride,
      temperature: windows.temperature,
      nothing,
      look: (...given) => this.look(...given),
    };
    const near = { temperature, nothing, say: (boxes) => this.logits(boxes.map((box) => this.crop(pixels, box))) };
    const found = await findOne(pixels, wide, near, rules.find);
    return factor === 1 ? found : found.map((one) => ({ ...one, box: enlarged(one.box, factor, whole) }));
  }

  /** (size * size * 3) bytes: the crop that the network takes of a picture. */
  crop(pixels, box, room = this.model.rules.find.room) {
    const { input, rules } = this.model;
    const part = box && widened(box, room, pixels.width, pixels.height);
    return square(pixels, input.size, {
      rule: input.resize,
      part,
      reach: rules.reach,
      tallColumnsFirst: rules.tall_columns_first,
    });
  }

  /** One row of logits for each crop. */
  async logits(crops) {
    const size = this.model.input.size;
    const data = new Uint8Array(crops.length * size * size * 3);
    crops.forEach((crop, i) => data.set(crop, i * size * size * 3));
    const images = new ort.Tensor("uint8", data, [crops.length, size, size, 3]);
    const { logits } = await this.session.run({ images });
    const classes = this.model.classes.length;
    return crops.map((_, i) => logits.data.slice(i * classes, (i + 1) * classes));
  }

  /** x1, y1, x2, y2 and a score of each box that the finder gives, one after the other. */
  async cells(data, width, height) {
    const { logits } = await this.finder.run({ images: new ort.Tensor("uint8", data, [1, height, width, 3]) });
    return logits.data;
  }

  /** One row of logits for each window of a picture that is resized to width and height, row by row. */
  async look(pixels, width, height) {
    const { data } = resize(pixels, width, height, {
      rule: this.model.rules.find.resize,
      tallColumnsFirst: this.model.rules.tall_columns_first,
    });
    const { logits } = await this.windows.run({ images: new ort.Tensor("uint8", data, [1, height, width, 3]) });
    const [, classes, rows, columns] = logits.dims;
    const cells = rows * columns;
    const made = Array.from({ length: cells }, () => new Float32Array(classes));
    for (let c = 0; c < classes; c++) {
      for (let i = 0; i < cells; i++) {
        made[i][c] = logits.data[c * cells + i];
      }
    }
    return { rows, columns, logits: made };
  }

  /** How much less sure the answer is with each part hidden: PATCHES rows of PATCHES numbers from 0 to 1. */
  async saliency(pixels, predicted, box = null) {
    const crop = this.crop(pixels, box);
    const size = this.model.input.size;
    const mean = crop.reduce((sum, value) => sum + value, 0) / crop.length;
    const hidden = [crop];
    for (let row = 0; row < PATCHES; row++) {
      for (let column = 0; column < PATCHES; column++) {
        hidden.push(covered(crop, size, row, column, mean));
      }
    }
    const place = this.model.classes.indexOf(predicted);
    const rows = await this.logits(hidden);
    const [whole, ...parts] = rows.map((logits) => Math.log(probabilities(logits, this.model.temperature)[place]));
    const lost = parts.map((part) => Math.max(0, whole - part));
    const most = Math.max(...lost, 1e-6);
    return Array.from({ length: PATCHES }, (_, row) =>
      lost.slice(row * PATCHES, (row + 1) * PATCHES).map((value) => value / most),
    );
  }
}

function session(network) {
  return ort.InferenceSession.create(network, { executionProviders: ["wasm"] });
}

function covered(crop, size, row, column, grey) {
  const copy = crop.slice();
  const side = size / PATCHES;
  for (let y = Math.floor(row * side); y < Math.ceil((row + 1) * side); y++) {
    copy.fill(grey, 3 * (y * size + Math.floor(column * side)), 3 * (y * size + Math.ceil((column + 1) * side)));
  }
  return copy;
}
