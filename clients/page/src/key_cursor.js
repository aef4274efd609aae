// The cursor of an image that is moved by the arrow keys, for whoever has no mouse: its value is read out as under the mouse.

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const ARM = 12;

export class KeyCursor {
  /** {y, x}, whole pixels; null: there is none. */
  at = null;

  static isStep(key) {
    return key in STEPS;
  }

  /** Moves it by pixels within an image of `size`, from its middle at first. Returns where it is. */
  step(key, far, { height, width }) {
    const [dy, dx] = STEPS[key];
    const { y, x } = this.at ?? { y: Math.floor(height / 2), x: Math.floor(width / 2) };
    const inside = (v, most) => Math.min(most - 1, Math.max(0, v));
    this.at = { y: inside(y + far * dy, height), x: inside(x + far * dx, width) };
    return this.at;
  }

  draw(context, view) {
    if (!this.at) return;
    const { x, y } = view.toScreen(this.at);
    context.save();
    for (const [colour, width] of [['rgba(0, 0, 0, 0.75)', 4], ['#ffffff', 1.5]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        context.moveTo(x + 3 * dx, y + 3 * dy);
        context.lineTo(x + ARM * dx, y + ARM * dy);
      }
      context.stroke();
    }
    context.restore();
  }
}
