/** Whether two values that an operation returned, on two set-ups of one scenario, are the same. */

/** Parts of a value that are looked at; who returns more is believed. */
const PARTS_MAX = 10_000;

/** Of objects with a class of their own only the class is compared: they may hold a whole heap. */
export function isSame(one: unknown, two: unknown): boolean {
  return new Comparison().isSame(one, two);
}

class Comparison {
  private parts = 0;
  /** What is being compared already, which may be a part of itself. */
  private readonly known = new Map<object, object>();

  isSame(one: unknown, two: unknown): boolean {
    if (Object.is(one, two)) return true;
    if (typeof one === 'function') return typeof two === 'function';
    if (typeof one === 'symbol' && typeof two === 'symbol') {
      return one.description === two.description;
    }
    if (typeof one !== 'object' || typeof two !== 'object') return false;
    if (one === null || two === null) return false;
    if (this.known.get(one) === two) return true;
    this.known.set(one, two);
    return this.haveSame(one, two);
  }

  private haveSame(one: object, two: object): boolean {
    if (nameOf(one) !== nameOf(two)) return false;
    if (one instanceof Error) return one.message === (two as Error).message;
    if (!Array.isArray(one) && nameOf(one) !== 'Object') return true;
    const [keys, others] = [Object.keys(one), Object.keys(two)];
    this.parts += keys.length;
    if (this.parts > PARTS_MAX) return true;
    return (
      keys.length === others.length &&
      keys.every((key) => key in two && this.isSame(Reflect.get(one, key), Reflect.get(two, key)))
    );
  }
}

function nameOf(value: object): string {
  return (Object.getPrototypeOf(value) as object | null)?.constructor?.name ?? 'Object';
}

/** Whether all of a value is looked at by `isSame`: it has no function, no symbol and no class. */
export function isData(value: unknown, depth = 8): boolean {
  if (typeof value === 'function' || typeof value === 'symbol' || depth === 0) return false;
  if (typeof value !== 'object' || value === null) return true;
  if (!Array.isArray(value) && nameOf(value) !== 'Object') return false;
  const keys = Object.keys(value);
  return keys.length <= 1_000 && keys.every((key) => isData(Reflect.get(value, key), depth - 1));
}
