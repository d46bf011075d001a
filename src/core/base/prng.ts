/** A seeded generator (xorshift32): the only source of chance, so that a run can be repeated. */
export class Prng {
  private state: number;

  constructor(seed: number) {
    // Neighbouring seeds must not give neighbouring streams, and 0 would stay 0.
    this.state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) | 1;
    for (let i = 0; i < 4; i++) this.next();
  }

  /** A whole number from 0 to 2^32 - 1. */
  next(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x;
    return x >>> 0;
  }

  /** A whole number from 0 to `count - 1`. */
  below(count: number): number {
    return this.next() % count;
  }
}

/** A number from 0 to 2^32 - 1 that only the two arguments decide: chance without an order. */
export function hashed(seed: number, n: number): number {
  let x = Math.imul(seed, 0x9e3779b1) ^ Math.imul(n + 1, 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}
