// The power spectrum of a map, by a fast Fourier transform.

/** Transforms n = 2^m complex numbers in place: out[k] = sum over j of in[j] exp(-2 pi i j k / n). */
export function transform(re, im) {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [re[i], re[j]] = [re[j], re[i]];
      [im[i], im[j]] = [im[j], im[i]];
    }
  }
  for (let size = 2; size <= n; size *= 2) {
    const half = size / 2;
    for (let k = 0; k < half; k++) {
      const [c, s] = [Math.cos((-2 * Math.PI * k) / size), Math.sin((-2 * Math.PI * k) / size)];
      for (let a = k; a < n; a += size) {
        const b = a + half;
        const [x, y] = [re[b] * c - im[b] * s, re[b] * s + im[b] * c];
        re[b] = re[a] - x;
        im[b] = im[a] - y;
        re[a] += x;
        im[a] += y;
      }
    }
  }
}

const hann = (n) => Float64Array.from({ length: n }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / n));
const isSeen = (data, measured, i) => Boolean(!measured || measured[i]) && Number.isFinite(data[i]);

// Without its mean and tapered to the border, or a cross of the border's step would hide all else; what was not measured is mean.
function windowed(data, measured, [ny, nx], side) {
  let [sum, n] = [0, 0];
  for (let i = 0; i < data.length; i++) {
    if (!isSeen(data, measured, i)) continue;
    sum += data[i];
    n++;
  }
  const mean = n > 0 ? sum / n : 0;
  const [down, across] = [hann(ny), hann(nx)];
  const rows = Array.from({ length: side }, () => new Float64Array(side));
  for (let y = 0; y < ny; y++) {
    for (let x = 0; x < nx; x++) {
      const i = y * nx + x;
      if (isSeen(data, measured, i)) rows[y][x] = (data[i] - mean) * down[y] * across[x];
    }
  }
  return rows;
}

/**
 * {power, side}: the square of the magnitude at side x side frequencies, 1 / side per position apart in both directions, zero in the
 * middle at [side / 2][side / 2]; side: the power of two that the map goes into. Scaled so that its greatest value is 1.
 */
export function powerSpectrum(data, measured, [ny, nx]) {
  const side = 2 ** Math.ceil(Math.log2(Math.max(ny, nx, 2)));
  const rows = windowed(data, measured, [ny, nx], side);
  const others = rows.map(() => new Float64Array(side));
  for (let y = 0; y < ny; y++) transform(rows[y], others[y]);
  const power = new Float64Array(side * side);
  const [re, im] = [new Float64Array(side), new Float64Array(side)];
  let most = 0;
  for (let x = 0; x < side; x++) {
    for (let y = 0; y < side; y++) {
      re[y] = rows[y][x];
      im[y] = others[y][x];
    }
    transform(re, im);
    for (let y = 0; y < side; y++) {
      const value = re[y] * re[y] + im[y] * im[y];
      power[((y + side / 2) % side) * side + ((x + side / 2) % side)] = value;
      most = Math.max(most, value);
    }
  }
  if (most > 0) power.forEach((value, i) => { power[i] = value / most; });
  return { power, side };
}
