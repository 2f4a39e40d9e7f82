// Whether a picture has colour, by the rule of roadworthy/colour.py, whose numbers come with the model.

const BITS = 24; // of Pillow's fractions in Image.reduce

/** Whether a picture shows colours; pixels: { data, width, height } as ImageData has it, the whole picture. */
export function hasColour(pixels, rules) {
  const toned = counted(blocks(pixels, rules), rules).map((one) => tones(one, rules));
  const [luma, ...tint] = means(toned);
  const moment = (i, j) => mean(toned.map((one) => one[i] * one[j]));
  const level = luma + rules.floor;
  const slopes = (moment(0, 1) ** 2 + moment(0, 2) ** 2) / Math.max(moment(0, 0), 1e-6);
  if (moment(1, 1) + moment(2, 2) - slopes < (rules.left * level) ** 2) {
    return false;
  }
  const length = Math.hypot(...tint);
  if (length < rules.tinted * level) {
    return true;
  }
  const across = mean(toned.map((one) => ((tint[0] * one[2] - tint[1] * one[1]) / length) ** 2));
  if (across >= (Math.min((rules.hues * length) / level, rules.hues_most) * length) ** 2) {
    return true;
  }
  const light = means(toned.filter((one) => one[0] >= luma));
  const along = (light[1] * tint[0] + light[2] * tint[1]) / length;
  return along <= ((light[0] + rules.floor) * rules.even * length) / level;
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

/** The blocks that count: clipped ones only where nearly all are. */
function counted(made, { clipped, kept }) {
  const unclipped = made.filter((one) => Math.max(...one) < clipped);
  return unclipped.length >= kept * made.length ? unclipped : made;
}

/** Luma and both parts of chroma of a red, a green and a blue. */
const tones = (one, { parts }) => [0, 1, 2].map((part) => one.reduce((sum, value, i) => sum + value * parts[i][part], 0));
const mean = (values) => values.reduce((total, value) => total + value, 0) / values.length;
const means = (rows) => [0, 1, 2].map((part) => mean(rows.map((row) => row[part])));
