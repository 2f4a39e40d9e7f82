// Where signs are in a frame of any size, as the server finds them: inference/boxes.py and found.py say why.
//
// Every number that this rests on comes from there with the model (`rules.boxes`); none is written here.  Where
// numpy computes in single precision, this does too.

import { highest, toEven } from "./find.js";
import { resize } from "./resize.js";

const single = Math.fround;

/**
 * All signs in a frame, surest first: { box, score, logits } for each that the reader does not call no sign.
 * pixels: { data, width, height } as ImageData has it.
 * finder: { threshold, cells } where cells(data, width, height) resolves to x1, y1, x2, y2 and a score of each
 *     box, one after the other, of a frame of three bytes a pixel whose sides are multiples of `rules.multiple`.
 * reader: { nothing, temperature, say } where say(boxes) resolves to a row of logits for each, and nothing is
 *     the place of "no sign" among the classes, -1 for none.
 * looked: { tallColumnsFirst } as `resize` takes it.
 */
export async function findSigns(pixels, finder, reader, rules, looked) {
  const found = await findBoxes(pixels, finder, rules, looked);
  const logits = found.length ? await reader.say(found.map((one) => one.box)) : [];
  return found
    .map((one, i) => ({ ...one, score: one.score * belief(logits[i], reader) ** rules.doubt, logits: logits[i] }))
    .filter((one) => one.score >= finder.threshold && highest(one.logits) !== reader.nothing)
    .sort((one, other) => other.score - one.score);
}

/** The reader's probability that there is some sign; 1 where it knows no other. */
function belief(logits, { nothing, temperature }) {
  if (nothing < 0) {
    return 1;
  }
  const top = Math.max(...logits);
  const parts = Array.from(logits, (one) => Math.exp((one - top) / temperature));
  return 1 - parts[nothing] / parts.reduce((sum, one) => sum + one, 0);
}

/** Where signs seem to be, surest first: { box, score } for each. */
export async function findBoxes(pixels, finder, rules, looked) {
  const { width, height } = pixels;
  const within = (value, most) => Math.min(most, Math.max(0, value));
  const every = [];
  for (const scale of scales(height, width, rules)) {
    for (const { box, score } of await seen(pixels, finder, scale, rules, looked)) {
      const own = box.map((edge, i) => within(edge, i % 2 ? height : width));
      if (single(own[2] - own[0]) >= 1 && single(own[3] - own[1]) >= 1) {
        every.push({ box: own, score });
      }
    }
  }
  return best(every, rules);
}

/** By which the frame is resized for each pass: for small signs first, then for large ones. */
export function scales(height, width, rules) {
  const found = [Math.min(1, Math.sqrt(rules.most_pixels / (height * width)))];
  while (Math.max(height, width) * found.at(-1) > 2 * rules.large_px) {
    found.push(found.at(-1) / rules.shrink);
  }
  return found.filter((scale) => Math.min(height, width) * scale >= rules.lowest_px);
}

/** What one pass finds, in pixels of the frame itself. */
async function seen(pixels, { threshold, cells }, scale, rules, looked) {
  const frame = scale === 1 ? pixels : shrunk(pixels, scale, rules, looked);
  const { data, width, height } = padded(frame, rules);
  const values = await cells(data, width, height);
  const by = [single(pixels.width / frame.width), single(pixels.height / frame.height)];
  const found = [];
  for (let at = 0; at < values.length; at += 5) {
    const score = values[at + 4];
    if (score >= single(threshold)) {
      found.push({ box: [0, 1, 2, 3].map((i) => single(values[at + i] * by[i % 2])), score });
    }
  }
  return found;
}

function shrunk(pixels, scale, { gap }, { tallColumnsFirst }) {
  const [width, height] = [pixels.width, pixels.height].map((extent) => Math.max(1, toEven(extent * scale)));
  return resize(pixels, width, height, { rule: "bilinear", gap, tallColumnsFirst });
}

/** The frame, three bytes a pixel, with grey to its right and below, so that its sides are multiples. */
export function padded({ data, width, height, channels = 4 }, { multiple, fill }) {
  const [wide, tall] = [width, height].map((extent) => Math.ceil(extent / multiple) * multiple);
  if (channels === 3 && wide === width && tall === height) {
    return { data, width, height };
  }
  const made = new Uint8Array(3 * wide * tall).fill(fill);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0, to = 3 * y * wide; x < width; x++, to += 3, at += channels) {
      made[to] = data[at];
      made[to + 1] = data[at + 1];
      made[to + 2] = data[at + 2];
    }
  }
  return { data: made, width: wide, height: tall };
}

/** Of boxes with scores those that are signs of their own, surest first; ties by place. */
export function best(found, rules) {
  const order = ({ box: a, score: p }, { box: b, score: q }) => q - p || a[1] - b[1] || a[0] - b[0];
  let left = [...found].sort(order);
  const kept = [];
  while (left.length && kept.length < rules.most) {
    const first = left[0];
    kept.push(first);
    left = left.slice(1).filter((one) => !sameSign(first.box, one.box, rules));
  }
  return kept;
}

/** Whether two boxes show the same sign: they overlap, or one holds the other. */
function sameSign(box, other, { overlap, inside }) {
  const wide = Math.max(0, single(Math.min(box[2], other[2]) - Math.max(box[0], other[0])));
  const high = Math.max(0, single(Math.min(box[3], other[3]) - Math.max(box[1], other[1])));
  const [own, theirs] = [box, other].map(([x1, y1, x2, y2]) => single(single(x2 - x1) * single(y2 - y1)));
  const shared = single(wide * high);
  const either = single(single(own + theirs) - shared);
  return shared > single(single(overlap) * either) || shared > single(single(inside) * Math.min(own, theirs));
}
