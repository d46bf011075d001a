/** Assertions about our own constants, checked once when a module loads. */

/** Stops the import of a module whose tables contradict each other. */
export function assertAtImport(condition: boolean, what: string): void {
  if (!condition) throw new Error(`ptfrag is built wrong: ${what}`);
}

/** True for 1, 2, 4, 8 … up to 2^30. */
export function isPowerOfTwo(n: number): boolean {
  return n > 0 && n <= 1 << 30 && (n & (n - 1)) === 0;
}
