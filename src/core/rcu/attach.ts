/**
 * Attaching to a heap and leaving it: the life of a thread's record.
 *
 * ATTACHED says who has it: attached.ts. A record's callback queue outlives the thread: others take
 * from it (callback.ts), and the next thread that gets the record goes on with it. A thread that is
 * killed keeps its record, and if it was inside a section, holds up grace periods until somebody
 * recovers what it left (frag/recover.ts); `readerBefore` names it.
 */
import { LimitError } from '../base/errors.js';
import type { ThreadId, Word } from '../base/units.js';
import { at } from '../base/units.js';
import {
  type Heap,
  headerWord,
  LOCK_WAITS,
  type LockWaits,
  nameOfThread,
  type Thread,
  threadRecord,
} from '../mem/heap.js';
import { HEAP, NAME_WORDS, THREAD } from '../mem/layout.js';
import type { Memory } from '../mem/memory.js';
import { writeName } from '../mem/name.js';
import { clearSigns } from '../mem/signs.js';
import { attachedAs, recordsWhere } from './attached.js';
import { refuseInside } from './callback.js';

/** How a thread says that it is in a read section: docs/start.md, "Which flavour". */
export type Flavour = 'epoch' | 'qsbr';

const THREADS_HIGH = headerWord(HEAP.THREADS_HIGH);

/** What is said of a thread to others that wait for it. */
export interface Identity {
  /** Up to 32 characters of ASCII; empty: none. */
  readonly name: string;
  /** When it attached, in seconds since 1970; 0: unknown. */
  readonly atSeconds: number;
  /** Number of its JavaScript thread; null: unknown, and then nobody can recover what it leaves. */
  readonly worker: number | null;
}

const NOBODY: Identity = Object.freeze({ name: '', atSeconds: 0, worker: null });

/** Takes a free thread record. Throws `LimitError` that names who has them when all are taken. */
export function attachThread(
  heap: Heap,
  flavour: Flavour,
  lockWaits: LockWaits = LOCK_WAITS,
  identity: Identity = NOBODY,
): Thread {
  const { mem } = heap;
  const whose = attachedAs(identity.worker);
  for (let id = 0; id < heap.threadsMax; id++) {
    const record = threadRecord(heap, id as ThreadId);
    // OBSERVE(record): its private words are as a thread must find them.
    if (mem.cas(at(record, THREAD.ATTACHED), 0, whose) !== 0) continue;
    raiseHigh(heap, id + 1);
    mem.store(at(record, THREAD.FLAVOUR), flavour === 'qsbr' ? 1 : 0);
    identify(mem, record, identity);
    const qsbr = flavour === 'qsbr';
    return Object.freeze({ heap, mem, id: id as ThreadId, record, qsbr, lockWaits });
  }
  const taken = attachedThreads(heap)
    .map((id) => nameOfThread(heap, id))
    .join(', ');
  const message = `no thread record is free: ${taken} are attached, and one must detach first`;
  throw new LimitError('threadsMax', heap.threadsMax, message);
}

/** Leaves nothing of who had the record before. A thread without a name writes no word. */
function identify(mem: Memory, record: Word, { name, atSeconds }: Identity): void {
  const [nameAt, since] = [at(record, THREAD.NAME), at(record, THREAD.ATTACHED_AT)];
  if (name !== '' || mem.peek(nameAt) !== 0) writeName(mem, nameAt, NAME_WORDS.THREAD, name);
  if (atSeconds !== 0 || mem.peek(since) !== 0) mem.store(since, atSeconds);
  clearSigns(mem, record);
}

/** THREADS_HIGH must cover the record before its thread enters a section: see G1. */
function raiseHigh(heap: Heap, high: number): void {
  const { mem } = heap;
  let seen = mem.load(THREADS_HIGH);
  while (seen < high) {
    const found = mem.cas(THREADS_HIGH, seen, high);
    if (found === seen) return;
    seen = found;
  }
}

/** Gives the record back. Throws `UsageError` inside a section or a callback. */
export function detachThread(thread: Thread): void {
  const { mem, record } = thread;
  refuseInside(thread, 'detach');
  mem.store(at(record, THREAD.READER), 0);
  // PUBLISH(record): the private words are as the next thread must find them.
  mem.store(at(record, THREAD.ATTACHED), 0);
}

/** Threads that are attached, by number. */
export function attachedThreads(heap: Heap): ThreadId[] {
  return recordsWhere(heap, (record) => heap.mem.load(at(record, THREAD.ATTACHED)) !== 0);
}
