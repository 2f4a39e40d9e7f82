// Whether a picture has colour, by the rule of roadworthy/colour.py, whose numbers come with the model.

import { reduced } from "./resize.js";

/** Whether a picture shows colours; pixels: { data, width, height } as ImageData has it, the whole picture. */
export function hasColour(pixels, rules) {
  const made = blocks(pixels, rules);
  const grid = made.map((row) => row.map((one) => tones(one, rules)));
  const counts = counted(made, rules);
  const toned = grid.flatMap((row, y) => row.filter((_, x) => counts[y][x]));
  const [luma, ...tint] = means(toned);
  const moment = (i, j) => mean(toned.map((one) => one[i] * one[j]));
  const level = luma + rules.floor;
  const slopes = (moment(0, 1) ** 2 + moment(0, 2) ** 2) / Math.max(moment(0, 0), 1e-6);
  if (moment(1, 1) + moment(2, 2) - slopes < (rules.left * level) ** 2 || !isWide(grid, counts, level, rules)) {
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

/** Whether colour is within the picture and in more than a spot of it. */
function isWide(grid, counts, level, { wide, edge, spots, shared, ridge }) {
  const [height, width] = [grid.length, grid[0].length];
  const shorter = Math.min(height, width);
  if (shorter < wide) {
    return true;
  }
  const out = Math.max(1, Math.floor(edge * shorter));
  const luma = (y, x) => grid[Math.min(height - 1, Math.max(0, y))][Math.min(width - 1, Math.max(0, x))][0];
  let chosen = [];
  for (let y = out; y < height - out; y++) {
    for (let x = out; x < width - out; x++) {
      if (counts[y][x]) {
        const causes = [luma(y, x), luma(y, x + 1) - luma(y, x - 1), luma(y + 1, x) - luma(y - 1, x)];
        chosen.push({ place: y * width + x, causes, chroma: grid[y][x].slice(1) });
      }
    }
  }
  if (!chosen.length) {
    return true;
  }
  const spread = unexplained(chosen, ridge).map(([a, b]) => a * a + b * b);
  const most = [...spread].sort((a, b) => a - b)[Math.ceil((1 - spots) * spread.length) - 1];
  chosen = chosen.filter((_, i) => spread[i] <= most);
  const rest = unexplained(chosen, ridge);
  const left = new Map(chosen.map(({ place }, i) => [place, rest[i]]));
  let [products, pairs] = [0, 0];
  for (const [place, [a, b]] of left) {
    for (const next of [left.get(place + 1), left.get(place + width)]) {
      if (next) {
        products += a * next[0] + b * next[1];
        pairs += 1;
      }
    }
  }
  return products >= pairs * (shared * level) ** 2;
}

/** Chroma of blocks less what their causes explain of it, by least squares. */
function unexplained(chosen, ridge) {
  const sums = (left, right) => chosen.reduce((sum, one) => sum + left(one) * right(one), 0);
  const cause = (i) => (one) => one.causes[i];
  const rows = [0, 1, 2].map((i) => [
    ...[0, 1, 2].map((j) => sums(cause(i), cause(j)) + (i === j ? ridge * chosen.length : 0)),
    ...[0, 1].map((part) => sums(cause(i), (one) => one.chroma[part])),
  ]);
  const weights = solved(rows);
  return chosen.map(({ causes, chroma }) =>
    chroma.map((value, part) => value - causes.reduce((sum, one, i) => sum + one * weights[i][part], 0)),
  );
}

/** What a symmetric positive matrix, with two right sides beside it, is solved by (Gauss and Jordan). */
function solved(rows) {
  rows.forEach((pivot, i) => {
    rows[i] = pivot.map((value) => value / pivot[i]);
    rows.forEach((row, j) => {
      if (j !== i) {
        rows[j] = row.map((value, k) => value - row[i] * rows[i][k]);
      }
    });
  });
  return rows.map((row) => row.slice(rows.length));
}

/** Rows of mean red, green and blue of the blocks that colour is judged by. */
function blocks(pixels, { grid, smallest }) {
  const side = Math.max(smallest, Math.floor(Math.min(pixels.width, pixels.height) / grid));
  const { data, width, height } = reduced(pixels, side);
  const block = (at) => [data[at], data[at + 1], data[at + 2]];
  return Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => block(4 * (y * width + x))));
}

/** Which blocks count: clipped ones only where nearly all are. */
function counted(made, { clipped, kept }) {
  const unclipped = made.map((row) => row.map((one) => Math.max(...one) < clipped));
  const all = unclipped.flat();
  return all.filter(Boolean).length >= kept * all.length ? unclipped : made.map((row) => row.map(() => true));
}

/** Luma and both parts of chroma of a red, a green and a blue. */
const tones = (one, { parts }) => [0, 1, 2].map((part) => one.reduce((sum, value, i) => sum + value * parts[i][part], 0));
const mean = (values) => values.reduce((total, value) => total + value, 0) / values.length;
const means = (rows) => [0, 1, 2].map((part) => mean(rows.map((row) => row[part])));
