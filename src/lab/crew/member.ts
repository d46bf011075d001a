/** A thread of a crew from its own side: what it is given, and its way from start to end. */
import { openHeap, type Thread } from '../../core/mem/heap.js';
import type { Memory } from '../../core/mem/memory.js';
import { type HeapBuffer, SharedMemory, viewWords } from '../../core/mem/shared.js';
import { attachThread, detachThread } from '../../core/rcu/attach.js';
import { openControl } from './control.js';
import { endOfFailed, type ThreadEnd } from './failure.js';
import type { PageSamples } from './samples.js';

/** What every thread of a crew is started with. */
export interface MemberData {
  readonly heap: HeapBuffer;
  readonly heapWords: number;
  readonly control: HeapBuffer;
  /** What it is called when it ends without a word. */
  readonly role: string;
  /** Number of the thread in its crew; those with rings come first. */
  readonly index: number;
  readonly flavour: 'epoch' | 'qsbr';
  readonly seed: number;
  /** How many threads of the crew are roamers. */
  readonly roamers: number;
}

/** What its work is done with. */
export interface Member {
  readonly thread: Thread;
  readonly control: Memory;
  readonly index: number;
  readonly seed: number;
  readonly roamers: number;
}

/** Attaches, works, detaches. `work` gives what it saw of the heap's pages, if it looked. */
export function serve(
  { heap: buffer, heapWords, control: controlBuffer, index, flavour, seed, roamers }: MemberData,
  work: (member: Member) => PageSamples | null,
): ThreadEnd {
  const control = openControl(controlBuffer);
  try {
    const heap = openHeap(new SharedMemory(viewWords(buffer, 0, heapWords), true));
    const thread = attachThread(heap, flavour);
    const pages = work({ thread, control, index, seed, roamers });
    detachThread(thread);
    return { failure: null, pages };
  } catch (error) {
    return endOfFailed(control, error);
  }
}
