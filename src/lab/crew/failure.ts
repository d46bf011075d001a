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

/** What the threads say went wrong. Throws `OutOfPagesError` if that is what stopped them. */
export function failuresOf(ends: readonly ThreadEnd[], heap: Heap): Violation[] {
  return ends.flatMap(({ failure }) => {
    if (failure === null) return [];
    const { name, rule, message } = failure;
    if (name === 'OutOfPagesError') throw outOfPages(heap, 'the replay');
    return [{ rule: rule ?? name, detail: message }];
  });
}
