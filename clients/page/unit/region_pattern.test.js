import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RegionPatterns } from '../src/region_pattern.js';

const place = { y0: 1, x0: 2, y1: 1, x1: 2 };
/** merlind's side: answers when it is told to. */
class Waiting {
  asked = [];

  request(cmd, args) {
    return new Promise((resolve, reject) => this.asked.push({ cmd, args, reject, answer: (frames) => resolve({ result: { frames }, arrays: { data: { data: [6, 8], shape: [1, 2] } } }) }));
  }
}

test('a pattern that is asked for comes in counts per frame', async () => {
  const merlind = new Waiting();
  const found = new RegionPatterns(merlind).get(place);
  assert.deepEqual(merlind.asked[0].args, { area: [1, 2, 2, 3] });
  merlind.asked[0].answer(2);
  assert.deepEqual(await found, { data: [3, 4], shape: [1, 2], frames: 2 });
});

test('of several that are asked for the newest comes, and one that waited for its turn does not', async () => {
  const merlind = new Waiting();
  const regions = new RegionPatterns(merlind);
  const [first, second, third] = [1, 2, 3].map((y) => regions.get({ ...place, y0: y, y1: y }));
  assert.equal(await second, null);
  merlind.asked[0].answer(1);
  assert.equal((await first).frames, 1);
  merlind.asked[1].answer(1);
  assert.equal((await third).frames, 1);
  assert.deepEqual(merlind.asked.map(({ args }) => args.area[0]), [1, 3]);
});

test('what was asked for before the viewer turned to something else does not come, nor does its error', async () => {
  const merlind = new Waiting();
  const regions = new RegionPatterns(merlind);
  for (const end of ['answer', 'reject']) {
    const [running, waiting] = [regions.get(place), regions.get(place)];
    regions.forget();
    merlind.asked.at(-1)[end](1);
    assert.deepEqual([await running, await waiting], [null, null]);
  }
  const next = regions.get(place);
  merlind.asked.at(-1).answer(1);
  assert.equal((await next).frames, 1);
});
