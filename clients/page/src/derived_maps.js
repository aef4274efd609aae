// Maps that the page makes of merlind's own: where and how far the pattern's centre of mass is shifted (differential phase
// contrast, DPC), and the power spectrum of a map. Their names have a colon, which no map of merlind has.

import { median } from './contrast.js';
import { powerSpectrum } from './spectrum.js';

const DPC = 'dpc:';
const SPECTRUM = 'spectrum:';

const isDpc = (name) => name?.startsWith(DPC);
export const isSpectrum = (name) => Boolean(name?.startsWith(SPECTRUM));

/** merlind's maps that a map is made of; of its own that map alone. */
export function sourcesOf(name) {
  if (!name) return [];
  if (isSpectrum(name)) return [name.slice(SPECTRUM.length)];
  return isDpc(name) ? [`${name.slice(DPC.length)}_y`, `${name.slice(DPC.length)}_x`] : [name];
}

/** The power spectrum of a map, or the map of a power spectrum. */
export function turned(name) {
  return isSpectrum(name) ? name.slice(SPECTRUM.length) : `${SPECTRUM}${name}`;
}

/** Whether there is a power spectrum of a map: of numbers, not of classes or directions. */
export const hasSpectrum = (name) => Boolean(name) && !isDpc(name) && name !== 'bragg/class';

/** Whether a map can be shown where merlind has these. */
export const isThere = (names, name) => Boolean(name) && sourcesOf(name).every((one) => names.includes(one));

/** `names` and what can be made of them, for a person to choose from. */
export function offered(names) {
  return names.flatMap((name) => {
    const base = name.match(/^(.*com)_x$/)?.[1];
    return base && names.includes(`${base}_y`) ? [name, DPC + base] : [name];
  });
}

/** {data: how far, angle: where to, in turns from +x towards +y as the image is seen}, away from the median of what was measured. */
export function shifts(y, x) {
  const measured = y.measured.map((one, i) => one & x.measured[i]);
  const [middleY, middleX] = [median(y.data, measured), median(x.data, measured)];
  const data = new Float64Array(y.data.length);
  const angle = new Float32Array(y.data.length);
  for (let i = 0; i < data.length; i++) {
    const [dy, dx] = [y.data[i] - middleY, x.data[i] - middleX];
    data[i] = Math.hypot(dy, dx);
    angle[i] = Math.atan2(dy, dx) / (2 * Math.PI);
  }
  return { data, angle, measured };
}

/** The image of the map `name`; `passes`: {data, measured} of its sources, `shape` and `units` theirs. */
export function derivedImage(name, passes, shape, units) {
  if (isDpc(name)) return { ...shifts(...passes), shape, units };
  if (!isSpectrum(name)) return { ...passes[0], shape, units };
  const { power, side } = powerSpectrum(passes[0].data, passes[0].measured, shape);
  return { data: power, measured: null, shape: [side, side], units: 'power' };
}
