// Pixels at full scale of the counter, framed on a pattern: their counts are not what the electrons were. Neighbours have one
// frame around them all, so that the picture in it is still seen.

const COLOUR = '#ff5533';
/** More are not framed: an over-exposed disk is seen without. */
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

/** The sides [x, y, dx, dy] of these pixels that are towards one which is not at full scale: (dx, dy) is where that lies. */
export function frameSides({ data, shape: [height, width] }, fullScale, places) {
  const isFull = (y, x) => y >= 0 && y < height && x >= 0 && x < width && data[y * width + x] >= fullScale;
  return places.flatMap((i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    return [[1, 0], [-1, 0], [0, 1], [0, -1]].filter(([dx, dy]) => !isFull(y + dy, x + dx)).map(([dx, dy]) => [x, y, dx, dy]);
  });
}

export class SaturationLayer {
  #found = { n: 0, places: [] };
  #sides = [];

  /** Of the pattern that is shown; `fullScale` null: a mean or a sum, which tells nothing of it. */
  look(pattern, fullScale) {
    this.#found = saturatedPixels(pattern.data, fullScale);
    this.#sides = frameSides(pattern, fullScale, this.#found.places);
  }

  get n() {
    return this.#found.n;
  }

  draw(context, view) {
    const half = Math.max(view.view.scale, 3) / 2 + 1;
    context.save();
    context.strokeStyle = COLOUR;
    context.lineWidth = 2;
    context.lineCap = 'square';
    context.beginPath();
    for (const [x, y, dx, dy] of this.#sides) {
      const at = view.toScreen({ y, x });
      context.moveTo(at.x + half * (dx - dy), at.y + half * (dy + dx));
      context.lineTo(at.x + half * (dx + dy), at.y + half * (dy - dx));
    }
    context.stroke();
    context.restore();
  }
}
