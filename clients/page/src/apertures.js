// Shapes of virtual detectors: where their handles are, and what dragging a handle makes of them. Pixels of the
// pattern, (0, 0) the middle of the first one; angles in degrees from +x towards +y. No drawing here.

const RADIANS = Math.PI / 180;

/** Those that can be drawn; a mask has no outline to drag. */
export const SHAPES = ['disk', 'annulus', 'sector', 'segmented', 'rectangle', 'point', 'k_band'];

const rounded = (v) => Math.round(v * 10) / 10;
const pair = ([y, x]) => [rounded(y), rounded(x)];
const at = ([cy, cx], radius, angle) => ({
  y: cy + radius * Math.sin(angle * RADIANS), x: cx + radius * Math.cos(angle * RADIANS),
});
const distance = ([cy, cx], { y, x }) => Math.hypot(y - cy, x - cx);
const angleTo = ([cy, cx], { y, x }) => Math.atan2(y - cy, x - cx) / RADIANS;

const ASKED_FOR = ['name', 'shape', 'centre', 'radius', 'inner', 'outer', 'angles', 'sectors', 'start_angle', 'size', 'k_inner', 'k_outer',
  'pixel_size_k', 'edge', 'mode'];

/** What a request has of a detector: merlind tells more of one than it may be asked for. */
export function requestOf(detector) {
  return Object.fromEntries(ASKED_FOR.filter((key) => key in detector).map((key) => [key, detector[key]]));
}

/** The detector with its centre filled in. */
export function withCentre(detector, centre) {
  return detector.centre ? detector : { ...detector, centre };
}

/** [inner, outer] radius in pixels, or null for shapes without. `pixelSizeK`: nm^-1 per pixel, for k-bands. */
export function radii(detector, pixelSizeK = null) {
  const { shape } = detector;
  if (shape === 'disk') return [0, detector.radius];
  if (shape === 'k_band') {
    const size = detector.pixel_size_k ?? pixelSizeK;
    return size ? [detector.k_inner / size, detector.k_outer / size] : null;
  }
  if (shape === 'annulus' || shape === 'sector' || shape === 'segmented') return [detector.inner ?? 0, detector.outer];
  return null;
}

/** Handles: [{name, y, x}]; `centre` moves the whole. */
export function handles(detector, pixelSizeK = null) {
  const { shape, centre } = detector;
  const out = [{ name: 'centre', y: centre[0], x: centre[1] }];
  const ring = radii(detector, pixelSizeK);
  if (shape === 'rectangle') {
    const [h, w] = detector.size;
    out.push({ name: 'corner', y: centre[0] + h / 2, x: centre[1] + w / 2 });
  } else if (ring) {
    const [from, to] = detector.angles ?? [0, 0];
    const middle = shape === 'sector' ? from + (((to - from) % 360) + 360) % 360 / 2 : -45;
    if (shape !== 'disk' && ring[0] > 0) out.push({ name: 'inner', ...at(centre, ring[0], middle) });
    out.push({ name: 'outer', ...at(centre, ring[1], middle) });
    if (shape === 'sector') {
      out.push({ name: 'from', ...at(centre, ring[1], from) }, { name: 'to', ...at(centre, ring[1], to) });
    }
    if (shape === 'segmented') out.push({ name: 'start', ...at(centre, ring[1], detector.start_angle ?? 0) });
  }
  return out;
}

function ringKey(detector, handle) {
  if (detector.shape === 'disk') return 'radius';
  return detector.shape === 'k_band' ? `k_${handle}` : handle;
}

/** The detector after `handle` was dragged to `place` {y, x}. */
export function dragged(detector, handle, place, pixelSizeK = null) {
  const { centre } = detector;
  if (handle === 'centre') return { ...detector, centre: pair([place.y, place.x]) };
  if (handle === 'corner') {
    const half = [Math.abs(place.y - centre[0]), Math.abs(place.x - centre[1])];
    return { ...detector, size: half.map((v) => Math.max(1, rounded(2 * v))) };
  }
  if (handle === 'from') return { ...detector, angles: [rounded(angleTo(centre, place)), detector.angles[1]] };
  if (handle === 'to') return { ...detector, angles: [detector.angles[0], rounded(angleTo(centre, place))] };
  if (handle === 'start') return { ...detector, start_angle: rounded(angleTo(centre, place)) };
  return withRadius(detector, handle, distance(centre, place), pixelSizeK);
}

// The inner radius stays inside the outer one.
function withRadius(detector, handle, radius, pixelSizeK) {
  const [inner, outer] = radii(detector, pixelSizeK);
  const least = handle === 'outer' ? inner + 1 : 0;
  const most = handle === 'inner' ? outer - 1 : Infinity;
  const pixels = Math.min(most, Math.max(least, radius, detector.shape === 'disk' ? 0.5 : 0));
  const key = ringKey(detector, handle);
  if (detector.shape !== 'k_band') return { ...detector, [key]: rounded(pixels) };
  const size = detector.pixel_size_k ?? pixelSizeK;
  return { ...detector, [key]: Number((pixels * size).toPrecision(5)) };
}

/** Moved by whole or part pixels. */
export function moved(detector, dy, dx) {
  return { ...detector, centre: pair([detector.centre[0] + dy, detector.centre[1] + dx]) };
}

/** Grown or shrunk by `step` pixels: its outer edge. */
export function grown(detector, step, pixelSizeK = null) {
  if (detector.shape === 'rectangle') return { ...detector, size: detector.size.map((v) => Math.max(1, v + 2 * step)) };
  const ring = radii(detector, pixelSizeK);
  return ring ? withRadius(detector, 'outer', ring[1] + step, pixelSizeK) : detector;
}

/** Whether `place` is within the shape, for grabbing it anywhere. */
export function contains(detector, place, pixelSizeK = null) {
  const { shape, centre } = detector;
  if (shape === 'rectangle') {
    return Math.abs(place.y - centre[0]) <= detector.size[0] / 2 && Math.abs(place.x - centre[1]) <= detector.size[1] / 2;
  }
  const ring = radii(detector, pixelSizeK);
  if (!ring) return distance(centre, place) <= 1.5;
  const away = distance(centre, place);
  if (away < ring[0] || away > ring[1]) return false;
  if (shape !== 'sector') return true;
  const [from, to] = detector.angles;
  const turn = (angle) => ((angle % 360) + 360) % 360;
  return turn(angleTo(centre, place) - from) <= turn(to - from);
}

/**
 * What is dragged by the outline at `place`, within `reach` pixels: {handle, y, x}, the place of it on the outline; null where there is
 * none. A ring is resized, a rectangle moved.
 */
export function outlineAt(detector, place, reach, pixelSizeK = null) {
  const { shape, centre } = detector;
  if (shape === 'rectangle') {
    const [dy, dx] = [place.y - centre[0], place.x - centre[1]].map(Math.abs).map((away, i) => away - detector.size[i] / 2);
    return Math.abs(Math.max(dy, dx)) <= reach ? { handle: 'whole', ...place } : null;
  }
  const ring = radii(detector, pixelSizeK);
  const away = distance(centre, place);
  const inAngles = shape !== 'sector' || contains({ ...detector, inner: 0, outer: Infinity }, place);
  if (!ring || away === 0 || !inAngles) return null;
  const [inner, outer] = ring.map((radius) => Math.abs(away - radius));
  if (Math.min(outer, ring[0] > 0 ? inner : Infinity) > reach) return null;
  const handle = ring[0] > 0 && inner < outer ? 'inner' : 'outer';
  return { handle, ...at(centre, ring[handle === 'inner' ? 0 : 1], angleTo(centre, place)) };
}

/** A new detector of a shape, sized for a pattern of [height, width]. */
export function fresh(shape, name, [height, width], centre) {
  const unit = Math.min(height, width) / 16;
  const base = { name, shape, centre };
  const sizes = {
    disk: { radius: rounded(2 * unit) },
    annulus: { inner: rounded(3 * unit), outer: rounded(6 * unit) },
    sector: { inner: rounded(2 * unit), outer: rounded(6 * unit), angles: [-45, 45] },
    segmented: { inner: 0, outer: rounded(4 * unit), sectors: 4, start_angle: 45 },
    rectangle: { size: [rounded(3 * unit), rounded(3 * unit)] },
    point: {},
    k_band: { k_inner: 2.5, k_outer: 4 },
  };
  return { ...base, ...sizes[shape] };
}

/** Which keys the shape has, as [key, label, unit]; for forms. */
export const SHAPE_FIELDS = {
  disk: [['radius', 'Radius', 'px']],
  annulus: [['inner', 'Inner', 'px'], ['outer', 'Outer', 'px']],
  sector: [['inner', 'Inner', 'px'], ['outer', 'Outer', 'px'], ['angles.0', 'From', '°'], ['angles.1', 'To', '°']],
  segmented: [['inner', 'Inner', 'px'], ['outer', 'Outer', 'px'], ['sectors', 'Sectors', ''], ['start_angle', 'Start', '°']],
  rectangle: [['size.0', 'Height', 'px'], ['size.1', 'Width', 'px']],
  point: [],
  k_band: [['k_inner', 'Inner', 'nm⁻¹'], ['k_outer', 'Outer', 'nm⁻¹']],
  mask: [],
};
