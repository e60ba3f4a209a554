// A picture of the audio that grows as it arrives.

import { RATE_HZ } from "./player.js";

/** Samples for which one peak is kept. */
const BIN = RATE_HZ / 50;
const BAR = 2;
const STEP = 3;

export class Waveform {
  #canvas;
  #colours;
  #peaks = [];
  /** Samples in the last peak. */
  #count = BIN;
  #bars = { width: 0, total: 0, peaks: 0, heights: [] };
  /** The length that is shown, on its way to the one that is expected. */
  #total = 1;
  #drawn_ms = 0;
  #still = matchMedia("(prefers-reduced-motion: reduce)");

  constructor(canvas) {
    this.#canvas = canvas;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (this.#colours = null));
  }

  /** Seconds that the width stands for. */
  get total() {
    return this.#total;
  }

  reset(total) {
    this.#peaks = [];
    this.#count = BIN;
    this.#total = total;
    this.#bars.width = 0;
  }

  push(samples) {
    for (const sample of samples) {
      if (this.#count === BIN) {
        this.#peaks.push(0);
        this.#count = 0;
      }
      const last = this.#peaks.length - 1;
      this.#peaks[last] = Math.max(this.#peaks[last], Math.abs(sample) / 32768);
      this.#count++;
    }
  }

  /** Draws with the position, the expected length, and stretches to show: `[{ start_s, end_s }]`. */
  draw(position, total, bands) {
    const canvas = this.#canvas;
    const ratio = devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (!width) return;
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
    const now_ms = performance.now();
    const step = 1 - Math.exp((this.#drawn_ms - now_ms) / 120);
    this.#drawn_ms = now_ms;
    const near = this.#still.matches || Math.abs(total - this.#total) < 0.01 * total;
    this.#total = near ? total : this.#total + step * (total - this.#total);
    this.#colours ??= this.#readColours();
    const { ink, accent, soft, faint } = this.#colours;
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const x = (seconds) => (seconds / this.#total) * width;
    context.fillStyle = soft;
    for (const { start_s, end_s } of bands) {
      context.beginPath();
      context.roundRect(x(start_s) - 1, 0, Math.max(x(end_s) - x(start_s), 2) + 2, height, 4);
      context.fill();
    }
    const heights = this.#heights(width);
    const played = x(position);
    const middle = height / 2;
    for (let i = 0; i * STEP < width; i++) {
      const known = i < heights.length;
      const size = known ? Math.max(2, heights[i] * (height - 6)) : 2;
      context.fillStyle = !known ? faint : i * STEP < played ? accent : ink;
      context.beginPath();
      context.roundRect(i * STEP, middle - size / 2, BAR, size, BAR / 2);
      context.fill();
    }
    context.fillStyle = accent;
    context.fillRect(Math.min(played, width - 1.5), 0, 1.5, height);
  }

  /** The bars' heights, 0 to 1, computed when something has changed. */
  #heights(width) {
    const bars = this.#bars;
    if (bars.width === width && bars.total === this.#total && bars.peaks === this.#peaks.length) return bars.heights;
    const perBar = ((this.#total * RATE_HZ) / BIN / width) * STEP;
    const heights = [];
    for (let from = 0; from < this.#peaks.length; from += perBar) {
      const [first, last] = [Math.floor(from), Math.max(Math.floor(from) + 1, Math.floor(from + perBar))];
      const covered = this.#peaks.slice(first, last);
      heights.push(Math.sqrt(covered.reduce((sum, peak) => sum + peak * peak, 0) / covered.length));
    }
    const loudest = heights.reduce((a, b) => Math.max(a, b), 0.2);
    heights.forEach((height, i) => (heights[i] = (height / loudest) ** 0.8));
    this.#bars = { width, total: this.#total, peaks: this.#peaks.length, heights };
    return heights;
  }

  #readColours() {
    const style = getComputedStyle(this.#canvas);
    const colour = (name) => style.getPropertyValue(name).trim();
    return { ink: colour("--bar"), accent: colour("--accent"), soft: colour("--accent-soft"), faint: colour("--line") };
  }
}
