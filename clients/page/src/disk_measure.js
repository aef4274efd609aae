// What an operator aligns by: the bright disk of a pattern, measured.

/** The image averaged over 3 x 3 pixels, so that a hot pixel or the noise of few counts is no peak. */
function smoothed(data, [ny, nx]) {
  const out = new Float64Array(data.length);
  for (let y = 1; y < ny - 1; y++) {
    for (let x = 1; x < nx - 1; x++) {
      let sum = 0;
      for (let dy = -nx; dy <= nx; dy += nx) sum += data[y * nx + x + dy - 1] + data[y * nx + x + dy] + data[y * nx + x + dy + 1];
      out[y * nx + x] = sum / 9;
    }
  }
  return out;
}

/** Indices of the pixels above `level` that hang together with `start`. */
function region(image, nx, start, level) {
  const seen = new Uint8Array(image.length);
  const found = [start];
  seen[start] = 1;
  for (let i = 0; i < found.length; i++) {
    for (const next of [found[i] - 1, found[i] + 1, found[i] - nx, found[i] + nx]) {
      if (next < 0 || next >= image.length || seen[next] || image[next] < level) continue;
      seen[next] = 1;
      found.push(next);
    }
  }
  return found;
}

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

// Axes of the ellipse with the same second moments: [long, short] half axes.
function axes(pixels, nx, [cy, cx]) {
  let [yy, xx, yx] = [0, 0, 0];
  for (const i of pixels) {
    const [dy, dx] = [Math.floor(i / nx) - cy, (i % nx) - cx];
    yy += dy * dy;
    xx += dx * dx;
    yx += dy * dx;
  }
  const half = (yy + xx) / 2;
  const away = Math.hypot((yy - xx) / 2, yx);
  return [half + away, half - away].map((moment) => 2 * Math.sqrt(Math.max(0, moment) / pixels.length));
}

/** Mean of the image in rings of half a pixel around the centre. */
function rings(data, [ny, nx], [cy, cx], most) {
  const sums = new Float64Array(2 * Math.ceil(most));
  const counts = new Float64Array(sums.length);
  for (let y = 0; y < ny; y++) {
    for (let x = 0; x < nx; x++) {
      const ring = Math.round(2 * Math.hypot(y - cy, x - cx));
      if (ring < sums.length) {
        sums[ring] += data[y * nx + x];
        counts[ring]++;
      }
    }
  }
  return Array.from(sums, (sum, i) => (counts[i] ? sum / counts[i] : NaN));
}

// Where a falling profile crosses a level, pixels; between rings by a straight line.
function crossing(profile, level) {
  for (let i = profile.length - 1; i > 0; i--) {
    if (!(profile[i - 1] >= level)) continue;
    const [above, below] = [profile[i - 1], profile[i]];
    return (i - 1 + (above > below ? (above - level) / (above - below) : 0)) / 2;
  }
  return NaN;
}

/**
 * The bright disk of a pattern `data` of `shape`: {centre: [y, x], radius (of the circle of the same area, at half of
 * the plateau), roundness (short over long axis), edge (from 90 to 10 % of the plateau), plateau and peak (counts)},
 * lengths in pixels; null where there is none.
 */
export function measureDisk(data, shape) {
  const nx = shape[1];
  const smooth = smoothed(data, shape);
  let top = 0;
  for (let i = 1; i < smooth.length; i++) if (smooth[i] > smooth[top]) top = i;
  if (!(smooth[top] > 0)) return null;
  const plateau = mean(region(smooth, nx, top, 0.6 * smooth[top]).map((i) => smooth[i]));
  const pixels = region(smooth, nx, top, plateau / 2);
  if (pixels.length < 5) return null;
  const centre = [mean(pixels.map((i) => Math.floor(i / nx))), mean(pixels.map((i) => i % nx))];
  const radius = Math.sqrt(pixels.length / Math.PI);
  const [long, short] = axes(pixels, nx, centre);
  const profile = rings(data, shape, centre, 2 * radius + 10);
  const inside = mean(profile.slice(1, Math.max(2, Math.round(radius))).filter(Number.isFinite));
  const outside = Math.min(...profile.slice(Math.round(2.4 * radius)).filter(Number.isFinite));
  const level = (part) => outside + part * (inside - outside);
  let peak = 0;
  for (const v of data) if (v > peak) peak = v;
  return { centre, radius, roundness: short / long, edge: crossing(profile, level(0.1)) - crossing(profile, level(0.9)), plateau: inside, peak };
}

/** A running mean of patterns of one shape, over about `n` of them. */
export class RunningMean {
  #sum = null;
  #shape = '';

  constructor(n) {
    this.n = n;
  }

  add(data, shape) {
    if (String(shape) !== this.#shape) {
      this.#shape = String(shape);
      this.#sum = Float64Array.from(data);
      return this.#sum;
    }
    const part = 1 / this.n;
    for (let i = 0; i < data.length; i++) this.#sum[i] += part * (data[i] - this.#sum[i]);
    return this.#sum;
  }
}
