// Limits of what is shown: percentiles of what was measured, taken once, always or never; never reset by a frame.

/** The k-th smallest value (from 0); reorders `values`. */
function select(values, k) {
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const pivot = values[(low + high) >> 1];
    let [i, j] = [low, high];
    while (i <= j) {
      while (values[i] < pivot) i++;
      while (values[j] > pivot) j--;
      if (i <= j) {
        const swap = values[i];
        values[i++] = values[j];
        values[j--] = swap;
      }
    }
    if (k <= j) high = j;
    else if (k >= i) low = i;
    else return values[k];
  }
  return values[k];
}

/** Finite values that were measured (`measured` null: all), as a copy. */
export function measuredValues(data, measured) {
  const out = new Float64Array(data.length);
  let n = 0;
  for (let i = 0; i < data.length; i++) {
    if ((!measured || measured[i]) && Number.isFinite(data[i])) out[n++] = data[i];
  }
  return out.subarray(0, n);
}

/**
 * [low, high] of the percentiles (nearest rank); null without a value. `centre`: null, or 'zero' or 'median', about
 * which the limits then lie evenly.
 */
export function percentileLimits(data, measured, [lowPercent, highPercent], centre = null) {
  const values = measuredValues(data, measured);
  if (values.length === 0) return null;
  const rank = (percent) => Math.min(values.length - 1, Math.max(0, Math.round((percent / 100) * (values.length - 1))));
  if (centre) {
    const middle = centre === 'zero' ? 0 : select(values, rank(50));
    const away = select(values.map((v) => Math.abs(v - middle)), rank(highPercent));
    return widened(middle - away, middle + away);
  }
  return widened(select(values, rank(lowPercent)), select(values, rank(highPercent)));
}

/** Of the finite values that were measured; NaN without one. */
export function median(data, measured) {
  const values = measuredValues(data, measured);
  return values.length ? select(values, (values.length - 1) >> 1) : NaN;
}

// Limits must differ, or there is nothing to divide by.
const widened = (low, high) => (high > low ? [low, high] : [low, low + Math.max(1, Math.abs(low) * 1e-6)]);

// Limits that follow a map move in steps of about what a screen can show, so that the whole map is not painted again for
// less. The steps depend on nothing that was before: every viewer has the same ones.
function inSteps([low, high]) {
  const step = 2 ** Math.floor(Math.log2((high - low) / 512));
  return [Math.floor(low / step) * step, Math.ceil(high / step) * step];
}

export class Contrast {
  /** `percent`: [low, high] percentiles; `visible`: only of what is seen of a zoomed image. */
  constructor({ auto = 'always', percent = [0.1, 99.9], limits = null, scale = 'linear', visible = false } = {}) {
    Object.assign(this, { auto, percent, limits, scale, visible });
    this.pending = auto === 'once' && !limits;
  }

  /** Takes new data into account as far as the operator lets it. Returns whether limits moved. */
  see(data, measured, centre) {
    if (this.auto === 'never' && this.limits) return false;
    if (this.auto === 'once' && !this.pending) return false;
    const limits = percentileLimits(data, measured, this.percent, centre);
    if (!limits) return false;
    this.pending = false;
    this.limits = this.auto === 'always' ? inSteps(limits) : limits;
    return true;
  }

  setAuto(auto) {
    this.auto = auto;
    this.pending = auto === 'once';
  }

  /** What the operator says stays. */
  setLimits(low, high) {
    this.limits = widened(Math.min(low, high), Math.max(low, high));
    this.auto = 'never';
    this.pending = false;
  }
}

export const SCALES = {
  linear: (t) => t,
  sqrt: (t) => Math.sqrt(t),
  log: (t) => Math.log1p(1000 * t) / Math.log1p(1000),
};

/** Counts in `bins` equal bins from `low` to `high`; values outside count in the first and last one. */
export function histogram(data, measured, low, high, bins) {
  const counts = new Uint32Array(bins);
  const factor = bins / (high - low);
  for (let i = 0; i < data.length; i++) {
    const v = data[i];
    if ((measured && !measured[i]) || !Number.isFinite(v)) continue;
    counts[Math.min(bins - 1, Math.max(0, Math.floor((v - low) * factor)))]++;
  }
  return counts;
}
