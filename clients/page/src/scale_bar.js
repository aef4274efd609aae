// A bar of round length in the corner of an image.

/** The length of 1, 2 or 5 times a power of ten that takes up about `part` of `width` units. */
export function roundLength(width, part = 0.25) {
  const most = width * part;
  const power = 10 ** Math.floor(Math.log10(most));
  return [5, 2, 1].map((step) => step * power).find((length) => length <= most) ?? power;
}

export class ScaleBar {
  /** `unit()`: {size, name}: how long a pixel is, and in what. */
  constructor(unit) {
    this.unit = unit;
  }

  draw(context, view) {
    const { size, name } = this.unit();
    const seen = Math.min(view.root.clientWidth, view.size.width * view.view.scale);
    if (!(seen > 0) || !(size > 0)) return;
    const length = roundLength((seen / view.view.scale) * size);
    const pixels = (length / size) * view.view.scale;
    const left = Math.max(10, view.view.x + 10);
    const bottom = Math.min(view.root.clientHeight, view.view.y + view.size.height * view.view.scale) - 12;
    const label = `${Number(length.toPrecision(3))} ${name}`;
    context.save();
    context.font = '600 13px system-ui, sans-serif';
    context.lineJoin = 'round';
    context.lineWidth = 3.5;
    context.strokeStyle = 'rgba(0, 0, 0, 0.8)';
    context.strokeText(label, left, bottom - 8);
    context.fillStyle = 'rgba(0, 0, 0, 0.8)';
    context.fillRect(left - 1.5, bottom - 2.5, pixels + 3, 6);
    context.fillStyle = '#fff';
    context.fillRect(left, bottom - 1, pixels, 3);
    context.fillText(label, left, bottom - 8);
    context.restore();
  }
}
