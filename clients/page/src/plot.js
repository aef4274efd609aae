// A line plot that fills its place and follows the page's theme.

import uPlot from 'uplot';
import { element } from './dom.js';
import { themeColour as css } from './theme.js';

export class Plot {
  #plot = null;
  #options;
  #data = null;

  /** `options(css)` gives those of uPlot: series, scales, bands and so on. */
  constructor(label, heading, options) {
    this.#options = options;
    this.place = element('div', { class: 'plot-place', role: 'img', 'aria-label': label });
    this.heading = heading;
    this.empty = element('p', { class: 'empty' });
    this.root = element('section', { class: 'panel plot', 'aria-label': label }, element('header', {}, ...heading), element('div', { class: 'stage' }, this.place, this.empty));
    new ResizeObserver(() => this.#fit()).observe(this.place);
  }

  /** `data` as uPlot takes it; `missing`: what to say where there is none. */
  show(data, missing = '') {
    this.empty.textContent = data ? '' : missing;
    this.empty.hidden = Boolean(data);
    this.#data = data;
    if (!data) return this.restyle();
    if (!this.#plot) this.#make();
    else this.#plot.setData(data);
  }

  /** After a change of theme or of what is plotted. */
  restyle() {
    this.#plot?.destroy();
    this.#plot = null;
    if (this.#data) this.#make();
  }

  #size() {
    return { width: this.place.clientWidth, height: this.place.clientHeight };
  }

  #fit() {
    if (this.#plot) this.#plot.setSize(this.#size());
    else if (this.#data) this.#make();
  }

  #make() {
    const size = this.#size();
    if (!size.width || !size.height) return;
    const axis = (more) => ({
      stroke: css('--muted'), font: '12px system-ui, sans-serif', labelFont: '12px system-ui, sans-serif', size: 40, gap: 4,
      labelSize: 16, labelGap: 0, grid: { stroke: css('--line'), width: 1 }, ticks: { stroke: css('--line'), width: 1, size: 4 }, ...more,
    });
    const given = this.#options({ css, axis });
    this.#plot = new uPlot({
      ...size, legend: { show: false }, cursor: { points: { size: 6 }, drag: { x: true, y: false } }, padding: [8, 12, 0, 0], ...given,
    }, this.#data, this.place);
  }
}
