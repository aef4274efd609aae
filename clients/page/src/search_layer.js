// The settings of the search for Bragg reflections, drawn on the pattern while they are looked at: the ring in which
// reflections are looked for and, around the centre, the size of one, dashed until they are applied.

const COLOUR = '#f4f8ff';

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
    if (settings.disk_radius) circle(context, at, settings.disk_radius * scale);
    context.restore();
  }
}

function circle(context, { x, y }, radius) {
  context.beginPath();
  context.arc(x, y, Math.max(0, radius), 0, 2 * Math.PI);
  for (const [width, colour] of [[3.5, 'rgba(0, 0, 0, 0.6)'], [1.5, COLOUR]]) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.stroke();
  }
}
