// A pattern's mean in rings, as merlind's own radial profiles have it: ring n holds the pixels whose distance from the
// centre rounds to n. Circles only: merlind's profiles follow the calibrated ellipse.

/** Mean of `data` [ny, nx] in each ring around `centre` [y, x], NaN where a ring holds no pixel; out to the farthest corner. */
export function radialMean(data, [ny, nx], [cy, cx]) {
  const most = Math.round(Math.hypot(Math.max(cy, ny - 1 - cy), Math.max(cx, nx - 1 - cx)));
  const sums = new Float64Array(most + 1);
  const counts = new Float64Array(most + 1);
  for (let y = 0; y < ny; y++) {
    for (let x = 0; x < nx; x++) {
      const ring = Math.round(Math.hypot(y - cy, x - cx));
      sums[ring] += data[y * nx + x];
      counts[ring]++;
    }
  }
  return sums.map((sum, ring) => (counts[ring] ? sum / counts[ring] : NaN));
}
