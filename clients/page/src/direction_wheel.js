// What the colours of directions mean: a wheel in the corner of the image.

import { COLOUR_MAPS } from './colours.js';
import { SCALES } from './contrast.js';
import { directionWord } from './raster.js';

const [LEAST, MOST] = [14, 30]; // its radius
const PART = 0.1; // of the map
const PIXELS = 2;

/** A disk of 2 radius + 1 pixels: the colour of every direction and size up to the upper limit, as the image shows them. */
export function wheelOf(table, scale, radius) {
  const side = 2 * radius + 1;
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = side;
  const image = new ImageData(side, side);
  const words = new Uint32Array(image.data.buffer);
  for (let i = 0; i < words.length; i++) {
    const [dy, dx] = [Math.floor(i / side) - radius, (i % side) - radius];
    const part = Math.hypot(dy, dx) / radius;
    if (part <= 1) words[i] = directionWord(table, Math.atan2(dy, dx) / (2 * Math.PI), SCALES[scale](part));
  }
  canvas.getContext('2d').putImageData(image, 0, 0);
  return canvas;
}

export class DirectionWheel {
  #wheel = null;
  #for = '';

  /** `display`: whose colours it tells. */
  constructor(display) {
    this.display = display;
  }

  draw(context, view) {
    if (!this.display.showsDirections) return;
    const { scale, x, y } = view.view;
    const right = Math.min(view.root.clientWidth, x + view.size.width * scale) - 8;
    const top = Math.max(0, y) + 8;
    const radius = Math.min(MOST, Math.max(LEAST, PART * view.size.width * scale));
    context.save();
    context.beginPath();
    context.arc(right - radius, top + radius, radius + 1.5, 0, 2 * Math.PI);
    context.fillStyle = 'rgba(255, 255, 255, 0.85)';
    context.fill();
    context.drawImage(this.#picture(), right - 2 * radius, top, 2 * radius, 2 * radius);
    context.restore();
  }

  #picture() {
    const { colours, contrast } = this.display;
    const key = `${colours} ${contrast.scale}`;
    if (this.#for !== key) {
      this.#wheel = wheelOf(COLOUR_MAPS[colours].table, contrast.scale, PIXELS * MOST);
      this.#for = key;
    }
    return this.#wheel;
  }
}
