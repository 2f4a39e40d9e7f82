// Whether a picture has colour, by the rule of roadworthy/colour.py, whose numbers come with the model.

const BITS = 24; // of Pillow's fractions in Image.reduce

/** Whether a picture shows colours; pixels: { data, width, height } as ImageData has it, the whole picture. */
export function hasColour(pixels, rules) {
  const { luma, chroma } = toned(blocks(pixels, rules), rules);
  const level = mean(luma) + rules.floor;
  const middle = mean(luma);
  const tint = [0, 1].map((part) => mean(chroma.map((one) => one[part])));
  const lighter = luma.map((one) => one - middle);
  const beside = chroma.map((one) => [one[0] - tint[0], one[1] - tint[1]]);
  const spread = Math.max(sum(lighter.map((one) => one * one)), 1e-6);
  const slope = [0, 1].map((part) => sum(lighter.map((one, i) => one * beside[i][part])) / spread);
  const left = beside.map((one, i) => [one[0] - lighter[i] * slope[0], one[1] - lighter[i] * slope[1]]);
  if (rootMeanSquare(left) < rules.left * level) {
    return false;
  }
  const length = Math.hypot(...tint);
  if (length < rules.tinted * level) {
    return true;
  }
  const across = chroma.map((one) => [(tint[0] * one[1] - tint[1] * one[0]) / length]);
  return rootMeanSquare(across) / length >= Math.min((rules.hues * length) / level, rules.hues_most);
}

/** Mean red, green and blue of blocks of pixels, rounded as Pillow's Image.reduce does. */
function blocks({ data, width, height }, { grid, smallest }) {
  const side = Math.max(smallest, Math.floor(Math.min(width, height) / grid));
  const made = [];
  for (let top = 0; top < height; top += side) {
    for (let left = 0; left < width; left += side) {
      const [bottom, right] = [Math.min(height, top + side), Math.min(width, left + side)];
      const count = (bottom - top) * (right - left);
      const sums = [0, 0, 0];
      for (let y = top; y < bottom; y++) {
        for (let at = 4 * (y * width + left); at < 4 * (y * width + right); at += 4) {
          sums[0] += data[at];
          sums[1] += data[at + 1];
          sums[2] += data[at + 2];
        }
      }
      const inverse = Math.floor(2 ** BITS / count); // divided so, a mean now and then is one lower
      made.push(sums.map((one) => Math.floor(((one + Math.floor(count / 2)) * inverse) / 2 ** BITS)));
    }
  }
  return made;
}

/** Luma and both parts of chroma of the blocks that count: clipped ones only where nearly all are. */
function toned(means, { clipped, kept, luma: weights }) {
  const unclipped = means.filter((one) => Math.max(...one) < clipped);
  const counted = unclipped.length >= kept * means.length ? unclipped : means;
  const luma = counted.map((one) => sum(one.map((value, i) => value * weights[i])));
  return { luma, chroma: counted.map((one, i) => [one[0] - luma[i], one[2] - luma[i]]) };
}

const sum = (values) => values.reduce((total, value) => total + value, 0);
const mean = (values) => sum(values) / values.length;
const rootMeanSquare = (vectors) => Math.sqrt(mean(vectors.map((one) => sum(one.map((part) => part * part)))));
