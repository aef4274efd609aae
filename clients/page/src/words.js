// What the state of merlind is called, and how numbers are written.

import { inOperatorsWords } from './wording.js';

const whole = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 });

export const count = (n) => whole.format(n);

/** Short, with three significant digits or so. */
export function value(v) {
  if (!Number.isFinite(v)) return '–';
  if (Number.isInteger(v) && Math.abs(v) < 1e7) return count(v);
  const size = Math.abs(v);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return v.toExponential(2);
  return v.toFixed(size >= 100 ? 1 : size >= 1 ? 2 : 4);
}

/** With its standard error, to the error's first digit, or its second where the first is 1; without where that is null. */
export function withError(v, error) {
  if (!(error > 0)) return value(v);
  const power = Math.floor(Math.log10(error));
  const digits = Math.max(0, error / 10 ** power < 1.95 ? 1 - power : -power);
  return `${v.toFixed(digits)} ± ${error.toFixed(digits)}`;
}

const SHORT = { counts: 'cts', 'counts/pixel': 'cts/px', pixels: 'px' };

/** Units in so few letters that a narrow heading has room for them. */
export const shortUnits = (units) => SHORT[units] ?? units;

export function bytes(n) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let step = 0;
  while (n >= 1000 && step < units.length - 1) {
    n /= 1000;
    step++;
  }
  return `${n < 10 && step > 0 ? n.toFixed(1) : Math.round(n)} ${units[step]}`;
}

export function duration(seconds) {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${count(seconds / 86400)} days`;
}

export function rate(perSecond) {
  return perSecond >= 10000 ? `${(perSecond / 1000).toFixed(1)}k` : count(Math.round(perSecond));
}

const percent = (fraction) => `${(100 * fraction).toFixed(1)} %`;
export { percent };

const ENDED = { complete: 'complete', short: 'ended short', stopped: 'stopped', shutdown: 'ended with merlind' };

// Of a finished run: how it ended, and how much of it came.
function ended(run) {
  const { expected, placed } = run.frames;
  const part = expected > 0 ? `${count(placed)} of ${count(expected)}` : `${count(placed)} patterns`;
  if (run.cause === 'refused') return { tone: 'bad', word: 'refused', text: run.detail };
  // That is how aligning ends.
  if (run.mode === 'view' && run.reason === 'stopped') return { tone: 'idle', word: 'aligning stopped', text: ' – ready for a scan' };
  const tone = run.reason === 'complete' ? 'good' : 'warn';
  return { tone, word: ENDED[run.reason] ?? run.reason, text: `: ${part}` };
}

function acquiring(run, idleSeconds) {
  if (run?.frames.received === 0) return { tone: 'busy', word: 'waiting', text: ' – for the first frame' };
  if (idleSeconds > 1.5) return { tone: 'warn', word: `stalled ${idleSeconds.toFixed(1)} s`, text: ' – no frame has come since' };
  if (run?.mode === 'view') return { tone: 'busy', word: 'aligning', text: ' – the scan goes over and over, unrecorded' };
  return { tone: 'busy', word: 'receiving', text: '' };
}

/** Whether a run's patterns are no longer written, though they were to be. */
export const isUnrecorded = (run) => run?.recording?.state === 'failed';

/** How much of such a run is on disk. */
export const partOnDisk = ({ frames: { recorded, received } }) => `${count(recorded)} of ${count(received)} patterns are on disk`;

/**
 * {tone, word, text}: the state in words. `idleSeconds`: since the last frame came. `tone`: good, busy, warn, bad, idle.
 */
export function stateInWords(status, idleSeconds = 0) {
  const said = stateOfFrames(status, idleSeconds);
  const { state, run } = status;
  // However well its maps look, a scan that is not recorded is gone: that is told first, and goes on being told.
  if (!isUnrecorded(run) || !['acquiring', 'finishing', 'idle'].includes(state)) return said;
  const why = inOperatorsWords(run.recording.error).replace(/\/\S*\//g, ''); // no directories: there is little room
  return { tone: 'bad', word: `${said.word}, not recorded`, text: `: ${partOnDisk(run)} – ${why}` };
}

function stateOfFrames(status, idleSeconds) {
  const { state, why, run } = status;
  if (status.old_run && state === 'finishing') return { tone: 'busy', word: 'computing again', text: ' – the maps fill up' };
  if (state === 'fault') return { tone: 'bad', word: 'detector fault', text: why ? ` – ${why}` : '' };
  if (state === 'disconnected') return { tone: 'bad', word: 'detector not connected', text: why ? ` – ${why}` : '' };
  if (state === 'arming') return { tone: 'busy', word: 'arming', text: ' – the detector is being set up' };
  if (state === 'armed') return { tone: 'busy', word: 'armed', text: ' – waiting for first frame' };
  if (state === 'acquiring') return acquiring(run, idleSeconds);
  if (state === 'finishing') return { tone: 'busy', word: 'finishing', text: ' – results and file are being completed' };
  if (run?.state === 'finished') return ended(run);
  return { tone: 'idle', word: 'idle', text: ' – ready for a scan' };
}

export const signed = (v, digits = 2) => `${v < 0 ? '−' : '+'}${Math.abs(v).toFixed(digits)}`;

/** A drift [dy, dx] in positions, with its error; in nm where the step is known. */
export function driftInWords({ found, drift, error, detail }, stepNm) {
  if (!found) return detail || 'not found';
  const distance = Math.hypot(...drift);
  const length = stepNm ? `, ${value(distance * stepNm)} nm` : '';
  return `y ${signed(drift[0])}  x ${signed(drift[1])} ± ${error.toFixed(2)}${length}`;
}
