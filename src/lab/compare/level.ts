/** A number that changes in time: its peak and its time-weighted mean. */

export interface Extent {
  readonly peak: number;
  readonly mean: number;
}

export class Level {
  now = 0;
  private peak = 0;
  /** Sum of value times duration, up to `sinceUs`. */
  private area = 0;
  private sinceUs = 0;

  add(timeUs: number, change: number): void {
    this.set(timeUs, this.now + change);
  }

  set(timeUs: number, value: number): void {
    this.area += this.now * (timeUs - this.sinceUs);
    this.sinceUs = timeUs;
    this.now = value;
    if (value > this.peak) this.peak = value;
  }

  /** Peak and mean from `firstUs`, at or before the first change, to `lastUs`. */
  finish(firstUs: number, lastUs: number): Extent {
    const area = this.area + this.now * (lastUs - this.sinceUs);
    const duration = lastUs - firstUs;
    return { peak: this.peak, mean: duration > 0 ? area / duration : this.now };
  }
}
