// Pillow's resizing, number for number: what the network gets here is what it gets on the server.
//
// Each output pixel is a weighted mean of the input under a kernel as wide as the shrinking asks for; one
// direction after the other, with 8 bits between, in integers of 22 fractional bits, as Pillow computes it.

const BITS = 22;
const MEAN_BITS = 24; // of the fractions in Image.reduce
const HALF = 1 << (BITS - 1);

function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function cubic(x) {
  const by = Math.abs(x);
  if (by < 1) {
    return (1.5 * by - 2.5) * by * by + 1;
  }
  return by < 2 ? (((by - 5) * by + 8) * by - 4) * -0.5 : 0;
}

/** By name: how far a kernel reaches, in pixels of the smaller picture, and its height there. */
const KERNELS = {
  bilinear: { reach: 1, height: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { reach: 2, height: cubic },
  lanczos: { reach: 3, height: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** The rules of an InputSpec that `resize` follows. */
export const RULES = ["nearest", ...Object.keys(KERNELS)];

/**
 * A part of a picture as { data, width, height }, three bytes a pixel.
 * pixels: { data, width, height }, four bytes a pixel as ImageData has it, opaque.
 * box: [x1, y1, x2, y2] in pixels; all of it without.  tallColumnsFirst: as Pillow does since its version 13.
 * gap: where all of a picture is shrunk, it is reduced by whole factors first, to this many times the size; 0 for not.
 */
export function resize(pixels, width, height, { rule, box = null, gap = 0, tallColumnsFirst }) {
  const [across, down] = [pixels.width / width, pixels.height / height].map((by) => Math.trunc(by / gap));
  if (gap && Math.max(across, down) > 1) {
    const factors = [Math.max(1, across), Math.max(1, down)];
    const left = [0, 0, pixels.width / factors[0], pixels.height / factors[1]];
    return resize(reduced(pixels, ...factors), width, height, { rule, box: left, tallColumnsFirst });
  }
  const [x1, y1, x2, y2] = (box ?? [0, 0, pixels.width, pixels.height]).map(Math.fround); // as Pillow keeps them
  if (rule === "nearest") {
    const columns = nearest(pixels.width, x1, x2, width);
    const rows = nearest(pixels.height, y1, y2, height);
    return { data: picked(pixels, columns, rows), width, height };
  }
  const columns = taps(pixels.width, x1, x2, width, KERNELS[rule]);
  const rows = taps(pixels.height, y1, y2, height, KERNELS[rule]);
  const tall = pixels.height > height && pixels.height - height > 2 * (pixels.width - width);
  const source = { data: pixels.data, width: pixels.width, channels: 4 };
  if (tallColumnsFirst && tall) {
    return acrossRows(downColumns(source, rows), columns, 0, height);
  }
  const top = Math.min(...rows.first);
  const bottom = Math.max(...rows.first.map((first, i) => first + rows.count[i]));
  const narrow = acrossRows(source, columns, top, bottom);
  return downColumns(narrow, { ...rows, first: rows.first.map((first) => first - top) });
}

/** A picture shrunk by whole factors, opaque, as Pillow's Image.reduce does it. */
export function reduced({ data, width, height }, across, down = across) {
  const made = { width: Math.ceil(width / across), height: Math.ceil(height / down) };
  made.data = new Uint8ClampedArray(4 * made.width * made.height).fill(255);
  for (let top = 0, to = 0; top < height; top += down) {
    const bottom = Math.min(height, top + down);
    for (let left = 0; left < width; left += across, to += 4) {
      const right = Math.min(width, left + across);
      const count = (bottom - top) * (right - left);
      let [red, green, blue] = [0, 0, 0];
      for (let y = top; y < bottom; y++) {
        for (let at = 4 * (y * width + left), end = 4 * (y * width + right); at < end; at += 4) {
          red += data[at];
          green += data[at + 1];
          blue += data[at + 2];
        }
      }
      made.data[to] = meanOf(red, count);
      made.data[to + 1] = meanOf(green, count);
      made.data[to + 2] = meanOf(blue, count);
    }
  }
  return made;
}

/** Divided by multiplying: a mean now and then is one lower. */
function meanOf(sum, count) {
  return Math.floor(((sum + Math.floor(count / 2)) * Math.floor(2 ** MEAN_BITS / count)) / 2 ** MEAN_BITS);
}

/** For each of `size` outputs along one axis of `length` pixels: the first input, how many, and their weights. */
function taps(length, from, to, size, { reach, height }) {
  const scale = Math.fround(to - from) / size;
  const spread = Math.max(scale, 1);
  const most = 2 * Math.ceil(reach * spread) + 1;
  const made = { first: new Int32Array(size), count: new Int32Array(size), weights: new Int32Array(size * most), most };
  for (let i = 0; i < size; i++) {
    const centre = from + (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach * spread + 0.5));
    const last = Math.min(length, Math.trunc(centre + reach * spread + 0.5));
    const raw = Array.from({ length: last - first }, (_, x) => height((x + first - centre + 0.5) * (1 / spread)));
    const total = raw.reduce((sum, weight) => sum + weight, 0) || 1;
    raw.forEach((weight, x) => {
      const exact = (weight / total) * 2 ** BITS;
      made.weights[i * most + x] = Math.trunc(exact < 0 ? exact - 0.5 : exact + 0.5);
    });
    made.first[i] = first;
    made.count[i] = last - first;
  }
  return made;
}

const clipped = (sum) => Math.min(255, Math.max(0, sum >> BITS));

/** The rows from `top` to `bottom` made as wide as the taps say. */
function acrossRows({ data, width, channels }, { first, count, weights, most }, top, bottom) {
  const size = first.length;
  const made = new Uint8Array((bottom - top) * size * 3);
  for (let y = top, to = 0; y < bottom; y++) {
    for (let x = 0; x < size; x++, to += 3) {
      let [red, green, blue] = [HALF, HALF, HALF];
      for (let i = 0, at = channels * (y * width + first[x]); i < count[x]; i++, at += channels) {
        const weight = weights[x * most + i];
        red += data[at] * weight;
        green += data[at + 1] * weight;
        blue += data[at + 2] * weight;
      }
      made[to] = clipped(red);
      made[to + 1] = clipped(green);
      made[to + 2] = clipped(blue);
    }
  }
  return { data: made, width: size, height: bottom - top, channels: 3 };
}

/** The columns made as high as the taps say. */
function downColumns({ data, width, channels }, { first, count, weights, most }) {
  const made = new Uint8Array(first.length * width * 3);
  const sums = new Int32Array(width * 3);
  for (let y = 0; y < first.length; y++) {
    sums.fill(HALF);
    for (let i = 0; i < count[y]; i++) {
      const weight = weights[y * most + i];
      for (let x = 0, at = channels * width * (first[y] + i), to = 0; x < width; x++, at += channels, to += 3) {
        sums[to] += data[at] * weight;
        sums[to + 1] += data[at + 1] * weight;
        sums[to + 2] += data[at + 2] * weight;
      }
    }
    made.set(sums.map(clipped), 3 * width * y);
  }
  return { data: made, width, height: first.length, channels: 3 };
}

/** For each of `size` outputs along one axis the input under its middle. */
function nearest(length, from, to, size) {
  const step = Math.fround(to - from) / size;
  let place = from + step * 0.5;
  return Array.from({ length: size }, () => {
    const at = Math.min(length - 1, Math.trunc(place));
    place += step; // summed up, as Pillow does: multiplying rounds otherwise
    return at;
  });
}

function picked({ data, width }, columns, rows) {
  const made = new Uint8Array(rows.length * columns.length * 3);
  let to = 0;
  for (const y of rows) {
    for (const x of columns) {
      const at = 4 * (y * width + x);
      made.set(data.subarray(at, at + 3), to);
      to += 3;
    }
  }
  return made;
}

/** A box widened by a share of itself on every side, within the picture; as the server crops. */
export function widened(box, share, width, height) {
  const [x1, y1, x2, y2] = box;
  const [dx, dy] = [share * (x2 - x1), share * (y2 - y1)];
  const wider = [Math.max(0, x1 - dx), Math.max(0, y1 - dy), Math.min(width, x2 + dx), Math.min(height, y2 + dy)];
  if (wider[2] - wider[0] < 1 || wider[3] - wider[1] < 1) {
    throw new Error(`has the box ${box.map((edge) => edge.toFixed(1))}, which leaves nothing of its ${width} x ${height} pixels`);
  }
  return wider;
}

/** size * size * 3 bytes: a part of a picture, or all of it, as the network takes it. */
export function square(pixels, size, { rule, part = null, reach, tallColumnsFirst }) {
  const near = part && cutOut(pixels, part, size, reach);
  return resize(near?.pixels ?? pixels, size, size, { rule, box: near?.box ?? null, tallColumnsFirst }).data;
}

/** What of a picture is looked at when a part of it is resized, and where in it the part lies. */
function cutOut({ data, width, height }, part, size, reach) {
  const [x1, y1, x2, y2] = part.map(Math.fround);
  const beyond = (extent) => Math.ceil(reach * Math.max(1, extent / size)) + 1;
  const [across, down] = [beyond(x2 - x1), beyond(y2 - y1)];
  const [left, top] = [Math.max(0, Math.floor(x1) - across), Math.max(0, Math.floor(y1) - down)];
  const [right, bottom] = [Math.min(width, Math.ceil(x2) + across), Math.min(height, Math.ceil(y2) + down)];
  const made = new Uint8Array(4 * (right - left) * (bottom - top));
  for (let y = top; y < bottom; y++) {
    const row = data.subarray(4 * (y * width + left), 4 * (y * width + right));
    made.set(row, 4 * (y - top) * (right - left));
  }
  return {
    pixels: { data: made, width: right - left, height: bottom - top },
    box: [x1 - left, y1 - top, x2 - left, y2 - top],
  };
}
