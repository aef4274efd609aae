// Values into the pixels of an image.

import { CLASS_TABLE, STEPS } from './colours.js';
import { SCALES } from './contrast.js';

const FINE = 4096;

/** The colours with the display's scale folded in, so that a pixel costs one multiplication and one look-up. */
export function scaledTable(colours, scale) {
  const transfer = SCALES[scale];
  return Uint32Array.from({ length: FINE }, (_, i) => colours[Math.round(transfer(i / (FINE - 1)) * (STEPS - 1))]);
}

/** Fills `words` (of an ImageData) from pixel `from` to before `to`; what was not measured, or is no number, becomes transparent. */
export function paint(words, data, measured, [low, high], fineTable, from = 0, to = data.length) {
  const factor = (FINE - 1) / (high - low);
  for (let i = from; i < to; i++) {
    const v = data[i];
    if ((measured && !measured[i]) || v !== v) {
      words[i] = 0;
      continue;
    }
    const t = (v - low) * factor;
    words[i] = fineTable[t <= 0 ? 0 : t >= FINE - 1 ? FINE - 1 : (t + 0.5) | 0];
  }
}

export function paintClasses(words, data, measured, from = 0, to = data.length) {
  for (let i = from; i < to; i++) words[i] = measured[i] ? CLASS_TABLE[data[i]] : 0;
}

/** The colour of a direction, darker the less there is of it: `angle` in turns, `t` from 0 to 1. */
export function directionWord(table, angle, t) {
  const word = table[Math.round((angle - Math.floor(angle)) * (table.length - 1))];
  const part = t <= 0 ? 0 : t >= 1 ? 1 : t;
  return ((255 << 24) | (Math.round(((word >> 16) & 255) * part) << 16) | (Math.round(((word >> 8) & 255) * part) << 8) | Math.round((word & 255) * part)) >>> 0;
}

/** As paint, of magnitudes `data` with their directions `angle` in turns: the hue of `table` is the direction. */
export function paintDirections(words, { data, angle, measured }, [low, high], table, scale, from = 0, to = data.length) {
  const transfer = SCALES[scale];
  for (let i = from; i < to; i++) {
    words[i] = !measured[i] || data[i] !== data[i] ? 0 : directionWord(table, angle[i], transfer(Math.min(1, Math.max(0, (data[i] - low) / (high - low)))));
  }
}
