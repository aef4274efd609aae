// What the page, its browser and merlind hold in memory, and whether that grows.

import { readdirSync, readFileSync } from 'node:fs';

/** Of the page after the collector has run: bytes in use, buffers of arrays included, nodes of its document and listeners. */
export async function pageHolds(cdp) {
  await cdp.send('HeapProfiler.collectGarbage');
  const { usedSize, backingStorageSize = 0 } = await cdp.send('Runtime.getHeapUsage');
  const { nodes, jsEventListeners } = await cdp.send('Memory.getDOMCounters');
  return { bytes: usedSize + backingStorageSize, nodes, listeners: jsEventListeners };
}

/** Fields of /proc/PID/stat after the name: the state, the parent, and so on; null: the process is gone. */
function statOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /s, '').split(' ');
  } catch {
    return null;
  }
}

const kindOf = (pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').match(/--type=([a-z-]+)/)?.[1] ?? 'browser';

/** The processes of the browsers that this one has started: [{pid, kind, stat}]. Others may be running beside them. */
export function browserProcesses() {
  const stats = new Map(readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((pid) => [pid, statOf(pid)]).filter(([, stat]) => stat));
  const isOurs = (pid) => pid === String(process.pid) || (stats.has(pid) && isOurs(stats.get(pid)[1]));
  const found = [];
  for (const [pid, stat] of stats) {
    try {
      if (isOurs(stat[1]) && /chrom/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))) found.push({ pid, kind: kindOf(pid), stat });
    } catch {
      // it has ended meanwhile
    }
  }
  return found;
}

/** Bytes of /proc/PID/FILE's line `field`. */
export function bytesOf(pid, file, field) {
  try {
    return 1024 * Number(readFileSync(`/proc/${pid}/${file}`, 'latin1').match(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/**
 * The straight line through the points by least squares: {slope, error}, the error being the standard error of the slope with
 * the residuals' correlation from one point to the next taken into account: what lasts longer than a sample must not count
 * as many samples.
 */
export function slopeOf(xs, ys) {
  const n = xs.length;
  const mean = (values) => values.reduce((sum, v) => sum + v, 0) / values.length;
  const [mx, my] = [mean(xs), mean(ys)];
  const sxx = xs.reduce((sum, x) => sum + (x - mx) ** 2, 0);
  const slope = xs.reduce((sum, x, i) => sum + (x - mx) * (ys[i] - my), 0) / sxx;
  const residuals = xs.map((x, i) => ys[i] - my - slope * (x - mx));
  const squares = residuals.reduce((sum, r) => sum + r * r, 0);
  const lagged = residuals.slice(1).reduce((sum, r, i) => sum + r * residuals[i], 0);
  const correlation = squares > 0 ? Math.min(0.95, Math.max(0, lagged / squares)) : 0;
  return { slope, error: Math.sqrt((squares / (n - 2) / sxx) * ((1 + correlation) / (1 - correlation))) };
}
