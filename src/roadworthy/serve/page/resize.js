// Pillow's bilinear resize, number for number: what the network gets here is what it gets on the server.
//
// Each output pixel is a weighted mean of the input under a triangle as wide as the shrinking asks for; rows
// first, then columns, with 8 bits between, in integers of 22 fractional bits, as Pillow computes it.

const BITS = 22;

/** First input index and integer weights for each of `size` outputs along one axis of `length` pixels. */
function weights(length, from, to, size) {
  // Pillow keeps edges in single precision.
  const start = Math.fround(from);
  const scale = Math.fround(Math.fround(to) - start) / size;
  const spread = Math.max(scale, 1);
  const result = [];
  for (let i = 0; i < size; i++) {
    const centre = start + (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - spread + 0.5));
    const last = Math.min(length, Math.trunc(centre + spread + 0.5));
    const raw = [];
    let total = 0;
    for (let x = first; x < last; x++) {
      const weight = Math.max(0, 1 - Math.abs((x - centre + 0.5) / spread));
      raw.push(weight);
      total += weight;
    }
    const whole = raw.map((weight) => {
      const exact = (total ? weight / total : weight) * 2 ** BITS;
      return Math.trunc(exact < 0 ? exact - 0.5 : exact + 0.5);
    });
    result.push({ first, whole });
  }
  return result;
}

const clipped = (sum) => Math.min(255, Math.max(0, sum >> BITS));

/**
 * A part of an RGBA picture as size * size * 3 bytes.
 * pixels: { data, width, height } as ImageData has it, opaque.  box: [x1, y1, x2, y2] in pixels; all of it without.
 */
export function resize(pixels, size, box = null) {
  const { data, width, height } = pixels;
  const [x1, y1, x2, y2] = box ?? [0, 0, width, height];
  const across = weights(width, x1, x2, size);
  const down = weights(height, y1, y2, size);
  const top = Math.min(...down.map((one) => one.first));
  const bottom = Math.max(...down.map((one) => one.first + one.whole.length));
  const rows = new Uint8Array((bottom - top) * size * 3);
  for (let y = top; y < bottom; y++) {
    for (let x = 0; x < size; x++) {
      const { first, whole } = across[x];
      let [red, green, blue] = [1 << (BITS - 1), 1 << (BITS - 1), 1 << (BITS - 1)];
      for (let i = 0, at = 4 * (y * width + first); i < whole.length; i++, at += 4) {
        red += data[at] * whole[i];
        green += data[at + 1] * whole[i];
        blue += data[at + 2] * whole[i];
      }
      rows.set([clipped(red), clipped(green), clipped(blue)], 3 * ((y - top) * size + x));
    }
  }
  const result = new Uint8Array(size * size * 3);
  for (let y = 0; y < size; y++) {
    const { first, whole } = down[y];
    for (let at = 0; at < 3 * size; at++) {
      let sum = 1 << (BITS - 1);
      for (let i = 0; i < whole.length; i++) {
        sum += rows[3 * size * (first - top + i) + at] * whole[i];
      }
      result[3 * size * y + at] = clipped(sum);
    }
  }
  return result;
}

/** A box widened by a share of itself on every side, within the picture; as the server crops. */
export function widened([x1, y1, x2, y2], share, width, height) {
  const [dx, dy] = [share * (x2 - x1), share * (y2 - y1)];
  return [Math.max(0, x1 - dx), Math.max(0, y1 - dy), Math.min(width, x2 + dx), Math.min(height, y2 + dy)];
}
