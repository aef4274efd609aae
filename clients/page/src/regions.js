// Drawn regions of a scan: a rectangle {y0, x0, y1, x1} with its borders, a disk {centre: {y, x}, radius}, or an outline
// {points: [{y, x}, ...]}. Positions are whole numbers at their middle.

/** Ways to draw one: [kind, sign, text]. */
export const TOOLS = [['rectangle', '▭', 'a rectangle'], ['disk', '◯', 'a disk, from its centre'], ['outline', '✎', 'an outline']];

/** The region of a drag along `path`, places {y, x} of the image, within [ny, nx]; null where it holds no position. */
export function drawnRegion(kind, path, [ny, nx]) {
  const [from, to] = [path[0], path.at(-1)];
  const region = { rectangle: () => rectangle(from, to, [ny, nx]), disk: () => disk(from, to), outline: () => ({ points: path }) }[kind]();
  return spansOf(region, [ny, nx]).length > 0 ? region : null;
}

function rectangle(from, to, [ny, nx]) {
  const inside = (v, most) => Math.min(most - 1, Math.max(0, Math.round(v)));
  const [y0, y1] = [from.y, to.y].map((v) => inside(v, ny)).sort((a, b) => a - b);
  const [x0, x1] = [from.x, to.x].map((v) => inside(v, nx)).sort((a, b) => a - b);
  return { y0, x0, y1, x1 };
}

function disk(from, to) {
  const centre = { y: Math.round(from.y), x: Math.round(from.x) };
  return { centre, radius: Math.round(10 * Math.hypot(to.y - centre.y, to.x - centre.x)) / 10 };
}

// Where the line of positions y enters and leaves a region: pairs of x, in order.
function crossings(region, y) {
  if (region.points) return outlineCrossings(region.points, y);
  if (!region.centre) return y >= region.y0 && y <= region.y1 ? [[region.x0, region.x1]] : [];
  const away = y - region.centre.y;
  const half = Math.sqrt(region.radius ** 2 - away ** 2);
  return Number.isNaN(half) ? [] : [[region.centre.x - half, region.centre.x + half]];
}

// By even and odd: an outline that crosses itself leaves out what it goes round twice.
function outlineCrossings(points, y) {
  const xs = points.flatMap((a, i) => {
    const b = points[(i + 1) % points.length];
    return (a.y <= y) === (b.y <= y) ? [] : [a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x)];
  }).sort((a, b) => a - b);
  return Array.from({ length: xs.length / 2 }, (_, i) => [xs[2 * i], xs[2 * i + 1]]);
}

/** The positions of a region as merlind takes them: [[y, x0, x1], ...], columns x0 to x1 - 1 of line y, within [ny, nx]. */
export function spansOf(region, [ny, nx]) {
  const spans = [];
  for (let y = 0; y < ny; y++) {
    for (const [from, to] of crossings(region, y)) {
      const [x0, x1] = [Math.max(0, Math.ceil(from)), Math.min(nx, Math.floor(to) + 1)];
      if (x0 < x1) spans.push([y, x0, x1]);
    }
  }
  return spans;
}

/** In words: where it is. */
export function regionInWords(region) {
  if (region.points) return 'an outline';
  if (region.centre) return `a disk at y ${region.centre.y}, x ${region.centre.x}, radius ${region.radius}`;
  return `y ${region.y0}–${region.y1}, x ${region.x0}–${region.x1}`;
}

/** Draws the border of a region as a path of `context`; `toScreen` is the view's. */
export function regionPath(context, region, toScreen, scale) {
  context.beginPath();
  if (region.points) {
    region.points.map(toScreen).forEach(({ x, y }, i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.closePath();
  } else if (region.centre) {
    const { x, y } = toScreen(region.centre);
    context.arc(x, y, region.radius * scale, 0, 2 * Math.PI);
  } else {
    const from = toScreen({ y: region.y0 - 0.5, x: region.x0 - 0.5 });
    const to = toScreen({ y: region.y1 + 0.5, x: region.x1 + 0.5 });
    context.rect(from.x, from.y, to.x - from.x, to.y - from.y);
  }
}

/** The place of its number: its upper left corner. */
export function regionCorner(region) {
  if (region.points) return region.points.reduce((best, point) => (point.y + point.x < best.y + best.x ? point : best));
  if (region.centre) return { y: region.centre.y - region.radius, x: region.centre.x };
  return { y: region.y0 - 0.5, x: region.x0 - 0.5 };
}
