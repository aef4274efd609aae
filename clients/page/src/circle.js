// The circle through three places.

/** {centre: [y, x], radius}, or null when the places lie on a line. */
export function circleThrough([a, b, c]) {
  const [bx, by, cx, cy] = [b.x - a.x, b.y - a.y, c.x - a.x, c.y - a.y];
  const double = 2 * (bx * cy - by * cx);
  if (Math.abs(double) < 1e-6) return null;
  const [bb, cc] = [bx * bx + by * by, cx * cx + cy * cy];
  const x = (cy * bb - by * cc) / double;
  const y = (bx * cc - cx * bb) / double;
  return { centre: [a.y + y, a.x + x], radius: Math.hypot(x, y) };
}
