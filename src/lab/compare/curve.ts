/**
 * A number that changes in time, kept as the least and the most of each of some equal spans.
 *
 * However often it changes, it takes the same room, and no peak is lost, not even one that lasts no
 * time at all. A span in which nothing changes has the value that it began with.
 */

/** How many spans of time a recording is cut into. */
export const SPANS = 4096;

/** What a curve amounts to: for each span the least and the most, in order of time. */
export interface Spans {
  readonly low: readonly number[];
  readonly high: readonly number[];
}

export class Curve {
  private readonly low: number[] = [];
  private readonly high: number[] = [];
  private readonly firstUs: number;
  private readonly spanUs: number;
  private readonly spans: number;
  private now = 0;

  /** `spans` of equal length from `firstUs` to `lastUs`. */
  constructor(firstUs: number, lastUs: number, spans: number) {
    this.firstUs = firstUs;
    this.spans = spans;
    this.spanUs = Math.max(1, lastUs - firstUs) / spans;
  }

  /** Times never decrease. */
  set(timeUs: number, value: number): void {
    const span = Math.floor((timeUs - this.firstUs) / this.spanUs);
    // The last instant belongs to the last span.
    this.fillUp(Math.min(span + 1, this.spans));
    const at = this.low.length - 1;
    this.low[at] = Math.min(this.low[at] as number, value);
    this.high[at] = Math.max(this.high[at] as number, value);
    this.now = value;
  }

  finish(): Spans {
    this.fillUp(this.spans);
    return { low: this.low, high: this.high };
  }

  private fillUp(spans: number): void {
    while (this.low.length < spans) {
      this.low.push(this.now);
      this.high.push(this.now);
    }
  }
}

/** The same with `times` as many of the old spans in each new one. */
export function coarser({ low, high }: Spans, times: number): Spans {
  const join = (values: readonly number[], pick: (...values: number[]) => number): number[] => {
    const count = Math.ceil(values.length / times);
    return Array.from({ length: count }, (_, at) =>
      pick(...values.slice(at * times, (at + 1) * times)),
    );
  };
  return { low: join(low, Math.min), high: join(high, Math.max) };
}
