// How each result is shown unless the viewer says otherwise.

import { isSpectrum, turned } from './derived_maps.js';

const MAP_PERCENT = [0.1, 99.9];
const PATTERN_PERCENT = [0, 99.9];

const lastPart = (name) => name.slice(name.lastIndexOf('/') + 1);

/** {kind: 'classes'} or {kind, colours, centre, percent, scale} of the map with this name. */
export function mapDefaults(name) {
  if (name === 'bragg/class') return { kind: 'classes' };
  const last = lastPart(name);
  const base = { kind: 'values', colours: 'grey', centre: null, percent: MAP_PERCENT, scale: 'linear' };
  if (isSpectrum(name)) return { ...base, colours: 'inferno', percent: PATTERN_PERCENT, scale: 'log' };
  if (name.startsWith('dpc:')) return { ...base, kind: 'directions', colours: 'hue', percent: PATTERN_PERCENT };
  if (/^com_[xy]$/.test(last)) return { ...base, colours: 'blue-red', centre: 'median' };
  if (/^e_(xx|yy|xy)$/.test(last)) return { ...base, colours: 'blue-red', centre: 'zero' };
  if (/(azimuth|angle)$/.test(last)) return { ...base, colours: 'hue', percent: [0, 100] };
  if (name.startsWith('bragg/')) return { ...base, colours: 'viridis', percent: [0, 99.9] };
  return base;
}

export function patternDefaults(name) {
  const scale = ['sum', 'mean', 'area'].includes(lastPart(name)) ? 'log' : 'linear';
  return { kind: 'values', colours: 'inferno', centre: null, percent: PATTERN_PERCENT, scale };
}

/** Names that say more to an operator. */
export function title(name) {
  if (isSpectrum(name)) return `${title(turned(name))}, spectrum`;
  return name.replace(/^dpc:(.*\/)?com$/, '$1DPC').replace(/_/g, ' ').replace('bragg/', 'Bragg ').replace(/\bcom (x|y|magnitude|angle)\b/, 'CoM $1').replace('icom', 'iCoM').replace(/\blatest$/, 'newest');
}

/** How long a position of the scan is, and in what: {size, name}. */
export function positionOf(calibration) {
  const step = calibration?.scan_step_nm?.value;
  return step ? { size: step, name: 'nm' } : { size: 1, name: 'positions' };
}

/** Which maps to show first: those that tell most. */
export function firstMaps(names, n) {
  const order = ['haadf', 'halo', 'dark_field', 'adf', 'bragg/class', 'bright_field', 'com_x', 'com_y', 'intensity', 'total', 'bragg/strongest'];
  const known = order.filter((name) => names.includes(name));
  return [...known, ...names.filter((name) => !known.includes(name))].slice(0, n);
}
