/** One thread of a crew fails: the others stop, and its error is the story that is told. */
import type { Violation } from '../../core/frag/check.js';
import { outOfPages } from '../../core/frag/shortage.js';
import type { Heap } from '../../core/mem/heap.js';
import type { Memory } from '../../core/mem/memory.js';
import { CONTROL, controlWord } from './control.js';
import type { PageSamples } from './samples.js';

/** An error as it goes from one thread to another. */
interface Failure {
  readonly name: string;
  readonly rule: string | null;
  readonly message: string;
}

/** What a thread says at its end. */
export interface ThreadEnd {
  readonly failure: Failure | null;
  readonly pages: PageSamples | null;
}

/** Thrown where a wait ends because another thread failed; that one's error is the story. */
export class AnotherFailed extends Error {
  override readonly name: string = 'AnotherFailed';
}

export function throwIfFailed(control: Memory): void {
  if (control.load(controlWord(CONTROL.FAILED)) !== 0) {
    throw new AnotherFailed('another thread failed');
  }
}

/** Tells all threads that one has failed. */
export function fail(control: Memory): void {
  control.store(controlWord(CONTROL.FAILED), 1);
  control.notify(controlWord(CONTROL.FAILED));
}

export function failedEnd(name: string, message: string): ThreadEnd {
  return { failure: { name, rule: null, message }, pages: null };
}

/** What a thread posts when it has thrown; the others are told to stop. */
export function endOfFailed(control: Memory, error: unknown): ThreadEnd {
  fail(control);
  if (error instanceof AnotherFailed) return { failure: null, pages: null };
  const { name, message } = error as Error;
  const rule = 'rule' in (error as object) ? String((error as { rule: unknown }).rule) : null;
  return { failure: { name, rule, message }, pages: null };
}

/** Errors without a rule that are findings: the heap refuses what is right, or nobody gets on. */
const FINDINGS: ReadonlySet<string> = new Set([
  'Stalled',
  'StallError',
  'UsageError',
  'WriteAfterFreeError',
]);

/**
 * What the threads say went wrong. Throws `OutOfPagesError` if that is what stopped them, and an
 * error of no class of ours if nothing was found and a thread failed: a mistake in the replay.
 */
export function failuresOf(ends: readonly ThreadEnd[], heap: Heap): Violation[] {
  const failures = ends.flatMap(({ failure }) => failure ?? []);
  if (failures.some(({ name }) => name === 'OutOfPagesError')) throw outOfPages(heap, 'the replay');
  const isFinding = ({ name, rule }: Failure): boolean => rule !== null || FINDINGS.has(name);
  const [mistake] = failures;
  if (mistake !== undefined && !failures.some(isFinding)) {
    throw new Error(`a thread of the replay failed: ${mistake.name}: ${mistake.message}`);
  }
  return failures.map(({ name, rule, message }) => ({ rule: rule ?? name, detail: message }));
}
