// Values into the pixels of an image.

import { CLASS_TABLE, STEPS } from './colours.js';
import { SCALES } from './contrast.js';

const FINE = 4096;

/** The colours with the display's scale folded in, so that a pixel costs one multiplication and one look-up. */
export function scaledTable(colours, scale) {
  const transfer = SCALES[scale];
  return Uint32Array.from({ length: FINE }, (_, i) => colours[Math.round(transfer(i / (FINE - 1)) * (STEPS - 1))]);
}

/** Fills `words` (of an ImageData); what was not measured, or is no number, becomes transparent. */
export function paint(words, data, measured, [low, high], fineTable) {
  const factor = (FINE - 1) / (high - low);
  for (let i = 0; i < data.length; i++) {
    const v = data[i];
    if ((measured && !measured[i]) || v !== v) {
      words[i] = 0;
      continue;
    }
    const t = (v - low) * factor;
    words[i] = fineTable[t <= 0 ? 0 : t >= FINE - 1 ? FINE - 1 : (t + 0.5) | 0];
  }
}

export function paintClasses(words, data, measured) {
  for (let i = 0; i < data.length; i++) words[i] = measured[i] ? CLASS_TABLE[data[i]] : 0;
}
