// Where in a picture a sign is, as the server finds it: inference/detect.py says why each step is as it is.
//
// Every number that this rests on comes from there with the model (`rules.find`); none is written here.

import { reduced } from "./resize.js";

/**
 * The sign in a picture that is of one sign, however loosely framed: { box, logits } for each found, surest first.
 * pixels: { data, width, height } as ImageData has it.
 * windows: { size, stride, temperature, nothing, look } where look(pixels, width, height) resolves to
 *     { rows, columns, logits }, a row of logits for each window of the picture in that size.
 * crops: { temperature, nothing, say } where say(boxes) resolves to a row of logits for each.
 * nothing: the place of "no sign" among the classes.
 */
export function findOne(pixels, windows, crops, rules) {
  const least = Math.max(rules.least_px, rules.loosest * Math.min(pixels.width, pixels.height));
  return findSigns(pixels, windows, crops, rules, least);
}

/** A picture of one sign as it is looked at, { pixels, factor }: shrunk by a whole factor where it is large. */
export function shrink(pixels, size, rules) {
  const { width, height } = pixels;
  const smallest = (rules.loosest * Math.min(width, height)) / rules.fill;
  const factor = width * height > rules.shrunk_from ? Math.floor(smallest / (rules.gap * size)) : 1;
  if (factor <= 1) {
    return { pixels, factor: 1 };
  }
  return { pixels: reduced(pixels, factor), factor };
}

/** A box in a shrunk picture, in pixels of the picture itself. */
export function enlarged(box, factor, { width, height }) {
  return box.map((edge, i) => Math.min(factor * edge, i % 2 ? height : width));
}

/** Side in px of the smallest sign looked for in a picture of which nothing else is said. */
export function smallestSought({ width, height }, rules) {
  return rules.least_px * Math.max(1, Math.sqrt((width * height) / rules.full_pixels));
}

/** All signs from `leastPx` pixels up, in the same form. */
export async function findSigns(pixels, windows, crops, rules, leastPx = smallestSought(pixels, rules)) {
  const likely = heaps(await lookedThrough(pixels, windows, rules, leastPx), rules).slice(0, rules.most);
  const boxes = [];
  for (const box of likely) {
    boxes.push(await adjusted(pixels, crops, box, rules));
  }
  const logits = boxes.length ? await crops.say(boxes) : [];
  const odds = logits.map((row) => oddsOf(row, crops));
  const found = [];
  for (const i of surestFirst(odds)) {
    if (odds[i] >= rules.likely && !found.some((j) => showOne(boxes[i], boxes[j], rules))) {
      found.push(i);
    }
  }
  return found.map((i) => ({ box: boxes[i], logits: logits[i] }));
}

/** Sides of the windows, in pixels of the picture, that together look for all signs from `leastPx` up. */
export function sizes(height, width, leastPx, { fill, step }) {
  const most = Math.min(height, width);
  const found = [];
  for (let side = leastPx / fill; side < most; side *= step) {
    found.push(side);
  }
  return [...found, most];
}

/** Windows that seem to show a sign: the box shrunk to it, the log-odds of a sign, and which. */
async function lookedThrough(pixels, windows, rules, leastPx) {
  const { width, height } = pixels;
  const { size, stride } = windows;
  const found = [];
  for (const side of sizes(height, width, leastPx, rules)) {
    const [tall, wide] = [height, width].map((extent) =>
      Math.max(size, toEven((extent * size) / side / stride) * stride),
    );
    const seen = await windows.look(pixels, wide, tall);
    const [across, down] = [width / wide, height / tall];
    const room = ((1 - rules.fill) / 2) * size;
    const reach = rules.fill * size;
    seen.logits.forEach((logits, i) => {
      const odds = oddsOf(logits, windows);
      if (odds >= rules.likely) {
        const x = ((i % seen.columns) * stride + room) * across;
        const y = (Math.floor(i / seen.columns) * stride + room) * down;
        found.push({ box: [x, y, x + reach * across, y + reach * down], odds, sign: highest(logits) });
      }
    });
  }
  return found;
}

/** Python rounds halves to the even neighbour. */
export function toEven(value) {
  const down = Math.floor(value);
  return value - down === 0.5 ? down + (down % 2) : Math.round(value);
}

/** Log-odds of some sign against none, in the precision of the server. */
function oddsOf(logits, { temperature, nothing }) {
  let top = -Infinity;
  for (let i = 0; i < logits.length; i++) {
    if (i !== nothing && logits[i] > top) {
      top = logits[i];
    }
  }
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    if (i !== nothing) {
      sum += Math.exp((logits[i] - top) / temperature);
    }
  }
  return Math.fround(Math.log(sum) + (top - logits[nothing]) / temperature);
}

/** The place of the highest of some values, the first of equal ones. */
export function highest(values) {
  let best = 0;
  for (let i = 1; i < values.length; i++) {
    if (values[i] > values[best]) {
      best = i;
    }
  }
  return best;
}

const surestFirst = (odds) => odds.map((_, i) => i).sort((a, b) => odds[b] - odds[a]);

/** The box moved, sized and shaped to where the network for crops is surest: a mean weighted by that. */
async function adjusted(pixels, crops, start, rules) {
  const { tried } = rules;
  const changes = tried.flatMap((values, kind) => values.map((value) => tried.map((_, i) => (i === kind ? value : 0))));
  let box = start;
  for (let round = 0; round < rules.rounds; round++) {
    const logits = await crops.say(changes.map((by) => changed(box, by, pixels)));
    const odds = logits.map((row) => oddsOf(row, crops));
    let at = 0;
    const means = tried.map((values) => {
      const weights = sureness(odds.slice(at, (at += values.length)), rules);
      return mean(values, weights);
    });
    means[0] -= Math.log(rules.larger);
    box = changed(box, means, pixels);
  }
  return box;
}

function sureness(odds, { soft }) {
  const most = Math.max(...odds);
  return odds.map((one) => Math.exp((one - most) / soft));
}

function mean(values, weights) {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return values.reduce((sum, value, i) => sum + value * weights[i], 0) / total;
}

/** A box changed by log size, log of width to height by half, right and down; within the picture. */
function changed([x1, y1, x2, y2], [larger, wider, right, down], { width, height }) {
  const [w, h] = [x2 - x1, y2 - y1];
  const [x, y] = [(x1 + x2) / 2 + right * w, (y1 + y2) / 2 + down * h];
  const [dx, dy] = [(w * Math.exp(larger + wider)) / 2, (h * Math.exp(larger - wider)) / 2];
  const within = (value, most) => Math.min(most, Math.max(0, value));
  return [within(x - dx, width), within(y - dy, height), within(x + dx, width), within(y + dy, height)];
}

/** One box for each heap of windows that show the same sign, the surest first. */
function heaps(seen, rules) {
  let left = surestFirst(seen.map((one) => one.odds)).map((i) => seen[i]);
  const found = [];
  while (left.length) {
    const best = left[0];
    let box = best.box;
    for (let i = 0; i < rules.shifts; i++) {
      const heap = left.filter((one) => one.sign === best.sign && showOne(box, one.box, rules));
      if (!heap.length) {
        break;
      }
      const weights = sureness(heap.map((one) => one.odds), rules);
      box = box.map((_, edge) => mean(heap.map((one) => one.box[edge]), weights));
    }
    found.push(box);
    left = left.slice(1).filter((one) => !(near(box, one.box, rules) || showOne(best.box, one.box, rules)));
  }
  return found;
}

/** Whether two boxes lie so near that they show the same sign, or one an edge of it. */
function near(box, other, rules) {
  return [0, 1].every((axis) => {
    const apart = Math.abs((other[axis] + other[axis + 2]) / 2 - (box[axis] + box[axis + 2]) / 2);
    return apart < rules.near * Math.max(other[axis + 2] - other[axis], box[axis + 2] - box[axis]);
  });
}

/** Whether two boxes overlap so much that both show the same sign. */
function showOne(box, other, rules) {
  const wide = Math.max(0, Math.min(box[2], other[2]) - Math.max(box[0], other[0]));
  const high = Math.max(0, Math.min(box[3], other[3]) - Math.max(box[1], other[1]));
  const [own, theirs] = [box, other].map(([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1));
  const shared = wide * high;
  return shared >= rules.overlap * (own + theirs - shared) || shared >= rules.inside * Math.min(own, theirs);
}
