// The settings of the search for Bragg reflections, drawn on the pattern while they are looked at: the ring in which
// reflections are looked for and the size of one, dashed until they are applied.

const COLOUR = '#ff4fd8';

export class SearchLayer {
  /** {centre, annulus, disk_radius} in pixels, null where not given; null: nothing is drawn. */
  settings = null;
  applied = true;

  /** `middle()`: [y, x] where no centre is given. */
  constructor(middle) {
    this.middle = middle;
  }

  draw(context, view) {
    const { settings } = this;
    if (!settings?.annulus) return;
    const [cy, cx] = settings.centre ?? this.middle();
    const at = view.toScreen({ y: cy, x: cx });
    const { scale } = view.view;
    context.save();
    context.setLineDash(this.applied ? [] : [6, 5]);
    for (const radius of settings.annulus) circle(context, at, radius * scale);
    if (settings.disk_radius) circle(context, { x: at.x, y: at.y - (scale * (settings.annulus[0] + settings.annulus[1])) / 2 }, settings.disk_radius * scale);
    context.setLineDash([]);
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [0, 1]]) {
      context.moveTo(at.x - 6 * dx, at.y - 6 * dy);
      context.lineTo(at.x + 6 * dx, at.y + 6 * dy);
    }
    context.lineWidth = 1.5;
    context.strokeStyle = COLOUR;
    context.stroke();
    context.restore();
  }
}

function circle(context, { x, y }, radius) {
  context.beginPath();
  context.arc(x, y, Math.max(0, radius), 0, 2 * Math.PI);
  context.lineWidth = 1.75;
  context.strokeStyle = COLOUR;
  context.stroke();
}
