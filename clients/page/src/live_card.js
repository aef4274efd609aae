// The scan that is running, as the list of recordings shows it.

import { percentileLimits } from './contrast.js';
import { count, stateInWords } from './words.js';

const PERCENT = [0.5, 99.5];

/** Whether a scan is running that will be a recording, or just a scan: not while aligning. */
export const isRunning = ({ run }) => Boolean(run) && run.state !== 'finished' && run.mode !== 'view';

/**
 * A small picture of a MapData, as those of finished recordings are: {thumbnail: {map, shape, low, high}, plane [side][side]},
 * every so many positions of its newest pass; 0 nothing was measured, 1 to 255 from low to high.
 */
export function smallPicture(map, side) {
  const { data, measured } = map.pass(map.newestPass());
  const limits = percentileLimits(data, measured, PERCENT);
  if (!limits) return null;
  const [low, high] = limits;
  const [down, across] = [map.ny, map.nx].map((n) => Math.ceil(n / side));
  const shape = [Math.ceil(map.ny / down), Math.ceil(map.nx / across)];
  const plane = new Uint8Array(side * side);
  for (let y = 0; y < shape[0]; y++) {
    for (let x = 0; x < shape[1]; x++) {
      const i = y * down * map.nx + x * across;
      const part = Math.min(1, Math.max(0, (data[i] - low) / (high - low)));
      plane[y * side + x] = measured[i] && Number.isFinite(data[i]) ? 1 + Math.round(254 * part) : 0;
    }
  }
  return { thumbnail: { map: map.name, shape, low, high }, plane };
}

/** Of a map that is on the screen anyway, so that it costs merlind nothing; a dark field where there is one. */
function pictureOf(store, side) {
  const maps = [...store.maps.values()].filter(({ run, name }) => run === store.run.id && !name.startsWith('bragg/'));
  const map = maps.find(({ name }) => /adf|dark/.test(name)) ?? maps[0];
  return map ? smallPicture(map, side) : null;
}

/** What runCard shows of it: {run, plane}. */
export function liveRun(store, side) {
  const { run, bragg, status } = store;
  const { thumbnail = null, plane = null } = pictureOf(store, side) ?? {};
  const { expected, received } = run.frames;
  const { tone, word } = stateInWords(status);
  const headline = bragg?.headline;
  return {
    plane,
    run: {
      ...run, name: run.file?.split('/').at(-1) ?? 'not recorded', error: '', thumbnail, bragg: headline?.fraction == null ? null : headline,
      end: { tone, text: `${word}, ${expected > 0 ? `${count(received)} of ${count(expected)}` : `${count(received)} patterns`}` },
    },
  };
}
