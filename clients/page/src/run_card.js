// One recording in the list of them: a small picture, and what is worth knowing before it is opened.

import { COLOUR_MAPS, CLASS_TABLE, UNKNOWN } from './run_colours.js';
import { element } from './dom.js';
import { whatCounts } from './headline.js';
import { bytes, count, percent } from './words.js';

const ENDED = { complete: 'complete', short: 'ended short', stopped: 'stopped', shutdown: 'ended with merlind', crash: 'recovered after a crash' };

export const dateOf = (time) => (time ? new Date(time[0] * 1000).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' }) : '');

/** Paints the picture of a run: plane [side][side] of bytes, of which the corner of its own shape is used. */
export function picture({ map, shape: [height, width], low, high }, plane, side) {
  const canvas = element('canvas', { class: 'run-picture', width, height, 'aria-hidden': 'true' });
  const context = canvas.getContext('2d');
  const image = context.createImageData(width, height);
  const words = new Uint32Array(image.data.buffer);
  const isClass = map === 'bragg/class';
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const pixel = plane[y * side + x];
      const value = low + ((high - low) * (pixel - 1)) / 254;
      words[y * width + x] = pixel === 0 ? UNKNOWN : isClass ? CLASS_TABLE[Math.round(value)] : COLOUR_MAPS.grey.table[pixel];
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

const shapeOf = ({ scan, frames }) => (scan ? `${scan[0]} × ${scan[1]}` : `${count(frames?.placed ?? 0)} patterns`);

function howItEnded({ reason, frames, recording, error, end }) {
  if (error) return { tone: 'bad', text: error };
  if (end) return end;
  if (recording?.error) return { tone: 'bad', text: recording.error };
  const word = ENDED[reason] ?? 'unknown end';
  const part = frames?.expected > 0 ? `${count(frames.recorded)} of ${count(frames.expected)}` : `${count(frames?.recorded ?? 0)} patterns`;
  return { tone: reason === 'complete' ? 'good' : 'warn', text: `${word}, ${part} recorded` };
}

const fraction = ({ bragg }) => (bragg ? `BR ${percent(bragg.fraction)} (${bragg.interval.map((v) => (100 * v).toFixed(0)).join('–')} %)${bragg.min_contrast ? `, ${whatCounts(bragg)}` : ''}` : 'no BR search');

const labels = ({ labels: given }) => Object.entries(given ?? {}).map(([name, value]) => element('span', { class: 'run-label' }, `${name} ${value}`));

/** `pressed()` opens it; a file that is no recording cannot be opened and says why. `mark`: running, open or none. */
export function runCard(run, plane, side, { mark, mayOpen, pressed }) {
  const blank = element('span', { class: 'run-picture blank', 'aria-hidden': 'true' });
  const end = howItEnded(run);
  const facts = run.error ? [] : [
    element('span', {}, [dateOf(run.started), shapeOf(run), run.bytes && bytes(run.bytes)].filter(Boolean).join(', ')), element('span', { class: 'run-fraction' }, fraction(run)),
    element('span', { class: 'run-labels' }, ...labels(run), mark ? element('span', { class: 'run-label open' }, mark) : null),
  ];
  return element('button', {
    type: 'button', class: 'run-card', disabled: Boolean(run.error) || !mayOpen, onclick: pressed, 'data-file': run.file,
    title: mayOpen || run.error ? '' : 'To open it this page must be the one that steers',
  }, run.thumbnail ? picture(run.thumbnail, plane, side) : blank,
  element('span', { class: 'run-facts' }, element('strong', {}, run.name), ...facts, element('span', { class: 'run-end', 'data-tone': end.tone }, end.text)));
}
