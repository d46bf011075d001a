/**
 * ATTACHED of a thread's record: whether somebody has it, and which JavaScript thread that is.
 *
 *    31 30        22 21            0
 *   +--+------------+---------------+
 *   |0 | recoverer  | whose it is   |     0: nobody's
 *   +--+------------+---------------+
 *
 *   whose it is   1: a JavaScript thread of which no number is known; 2 and more: 2 + its number
 *   recoverer     0, or 1 + the number of the attached thread that recovers what this one left
 *
 *   0 -> w        attach, CAS
 *   w -> 0        detach
 *   w -> (r, w)   r claims it, CAS: only one recovers, and no other attaches meanwhile
 *   (r, w) -> 0   all is recovered
 *   (r, w) -> w   r gives it up, for somebody alive is in the way
 *
 * Where d dies that recovers a record, (d, w) stays: whoever has claimed d's record has this too.
 *
 * A JavaScript thread's number is that of nobody else in the process, now or later. So what is
 * asked for by it is that thread's or there is none, though its record be another's by now.
 */
import type { ThreadId, Word } from '../base/units.js';
import { at } from '../base/units.js';
import { type Heap, type Thread, threadRecord } from '../mem/heap.js';
import { THREAD } from '../mem/layout.js';

const WHOSE_BITS = 22;
const WHOSE_MASK = (1 << WHOSE_BITS) - 1;
const UNKNOWN = 1;
const FIRST = 2;

/** Numbers of JavaScript threads that can be told from each other; greater ones begin again. */
export const WORKERS_MAX: number = WHOSE_MASK + 1 - FIRST;

/** What ATTACHED is for a JavaScript thread; null: of unknown number. */
export function attachedAs(worker: number | null): number {
  return worker === null ? UNKNOWN : FIRST + (worker % WORKERS_MAX);
}

/** Number of the JavaScript thread that has a record; null: nobody, or of unknown number. */
export function workerOf({ mem }: Heap, record: Word): number | null {
  const whose = mem.load(at(record, THREAD.ATTACHED)) & WHOSE_MASK;
  return whose < FIRST ? null : whose - FIRST;
}

/** Who recovers what the thread of a record left; null: nobody. */
export function recovererOf({ mem }: Heap, record: Word): ThreadId | null {
  const recoverer = mem.load(at(record, THREAD.ATTACHED)) >>> WHOSE_BITS;
  return recoverer === 0 ? null : ((recoverer - 1) as ThreadId);
}

/**
 * Claims the record of a dead thread: a handle on it, or null if it is no more a record of that
 * JavaScript thread, or another one recovers it. Context: `worker` makes no step any more.
 */
export function claim(by: Thread, dead: ThreadId, worker: number): Thread | null {
  const { heap, mem } = by;
  const record = threadRecord(heap, dead);
  const whose = attachedAs(worker);
  // OBSERVE(record): what the dead thread wrote last was written before.
  const found = mem.cas(at(record, THREAD.ATTACHED), whose, claimed(by, whose));
  return found === whose ? handleOn(by, dead) : null;
}

/** Gives up a record that was claimed: it is whoever's who claims it next. */
export function giveUp({ mem, record }: Thread): void {
  const attached = at(record, THREAD.ATTACHED);
  mem.store(attached, mem.load(attached) & WHOSE_MASK);
}

function claimed({ id }: Thread, whose: number): number {
  return ((id + 1) << WHOSE_BITS) | whose;
}

/**
 * A dead thread's handle, which waits for locks as who uses it does. Context: `dead` is claimed, or
 * who had claimed it is.
 */
export function handleOn({ heap, mem, lockWaits }: Thread, dead: ThreadId): Thread {
  const record = threadRecord(heap, dead);
  const qsbr = mem.load(at(record, THREAD.FLAVOUR)) !== 0;
  return Object.freeze({ heap, mem, id: dead, record, qsbr, lockWaits });
}

/** Records of which a predicate is true, by number. */
export function recordsWhere(heap: Heap, isIt: (record: Word) => boolean): ThreadId[] {
  const found: ThreadId[] = [];
  // All: a thread may have died of attaching, before THREADS_HIGH covered its record.
  for (let id = 0; id < heap.threadsMax; id++) {
    if (isIt(threadRecord(heap, id as ThreadId))) found.push(id as ThreadId);
  }
  return found;
}
