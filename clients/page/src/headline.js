// The fraction to quote of a scan or of a row of a series, in words.

import { percent } from './words.js';

/** "12.3 to 45.6 %" */
export const intervalInWords = ([low, high]) => `${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)} %`;

/** What counts: "contrast ≥ 2", or that any reflection does. */
export const whatCounts = ({ min_contrast: least }) => (least === null ? 'any contrast' : `contrast ≥ ${Number(least.toPrecision(4))}`);

/** How often such reflections are found, and the fraction corrected for it where merlind knows the rates. */
export function foundInWords({ true_positive: found, corrected }) {
  const rate = found ? `${percent(found.tpr)} of ${found.n} test reflections were found` : 'how often such are found was not measured';
  return corrected?.fraction == null ? rate : `${rate}; corrected ${percent(corrected.fraction)} (${intervalInWords(corrected.interval)})`;
}
