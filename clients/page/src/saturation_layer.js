// Pixels at full scale of the counter, framed on a pattern: their counts are not what the electrons were.

const COLOUR = '#ff5533';
/** More are not framed one by one: an over-exposed disk is seen without. */
const MOST = 400;

/** Where they are in a pattern: {n, places: indices of the first MOST}. */
export function saturatedPixels(data, fullScale) {
  const places = [];
  let n = 0;
  if (!fullScale) return { n, places };
  for (let i = 0; i < data.length; i++) {
    if (data[i] < fullScale) continue;
    if (n < MOST) places.push(i);
    n += 1;
  }
  return { n, places };
}

export class SaturationLayer {
  #found = { n: 0, places: [] };
  #width = 1;

  /** Of the pattern that is shown; `fullScale` null: a mean or a sum, which tells nothing of it. */
  look({ data, shape }, fullScale) {
    this.#found = saturatedPixels(data, fullScale);
    [, this.#width] = shape;
  }

  get n() {
    return this.#found.n;
  }

  draw(context, view) {
    const { scale } = view.view;
    const side = Math.max(scale, 3);
    context.save();
    context.strokeStyle = COLOUR;
    context.lineWidth = 2;
    for (const i of this.#found.places) {
      const { x, y } = view.toScreen({ y: Math.floor(i / this.#width), x: i % this.#width });
      context.strokeRect(x - side / 2 - 1, y - side / 2 - 1, side + 2, side + 2);
    }
    context.restore();
  }
}
