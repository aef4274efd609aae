// A line {from: {y, x}, to: {y, x}} that is drawn across a map, in positions: merlind tells the profile along it.

const LEAST_LENGTH = 1;

/** As the tools of regions.js: [kind, sign, text, what is then seen]. */
export const LINE_TOOL = ['line', '╱', 'a line', 'the profile along it'];

/** The line of a drag along `path`, within a map [ny, nx]; null while it is too short to have a profile. */
export function drawnLine(path, [ny, nx]) {
  const inside = (v, most) => Math.min(most - 1, Math.max(0, Math.round(10 * v) / 10));
  const [from, to] = [path[0], path.at(-1)].map(({ y, x }) => ({ y: inside(y, ny), x: inside(x, nx) }));
  return Math.hypot(to.y - from.y, to.x - from.x) < LEAST_LENGTH ? null : { from, to };
}

/** Draws it with the borders of what is averaged across it, and an arrow's head where it ends. */
export function drawLine(context, { from, to }, width, view) {
  const [a, b] = [view.toScreen(from), view.toScreen(to)];
  const angle = Math.atan2(b.y - a.y, b.x - a.x);
  const half = (width * view.view.scale) / 2;
  const [dx, dy] = [-Math.sin(angle) * half, Math.cos(angle) * half];
  context.save();
  for (const [colour, thick] of [['rgba(0, 0, 0, 0.7)', 4], ['#ffffff', 1.75]]) {
    context.strokeStyle = colour;
    context.lineWidth = thick;
    context.beginPath();
    context.moveTo(a.x, a.y);
    context.lineTo(b.x, b.y);
    for (const turn of [2.6, -2.6]) {
      context.moveTo(b.x, b.y);
      context.lineTo(b.x + 9 * Math.cos(angle + turn), b.y + 9 * Math.sin(angle + turn));
    }
    context.stroke();
  }
  context.lineWidth = 1;
  context.setLineDash([3, 3]);
  context.beginPath();
  for (const side of width > 1 ? [1, -1] : []) {
    context.moveTo(a.x + side * dx, a.y + side * dy);
    context.lineTo(b.x + side * dx, b.y + side * dy);
  }
  context.stroke();
  context.restore();
}
