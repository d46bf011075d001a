/** What a thread can be asked about its heap, and about the other threads: nothing is changed. */
import type { Blocker } from '../core/base/blocker.js';
import { refusal } from '../core/base/shown.js';
import type { ThreadId } from '../core/base/units.js';
import { checkHeap, type HeapCheckOptions, type Violation } from '../core/frag/check.js';
import { liveMms } from '../core/frag/mm.js';
import { describeThread, type Heap, threadRecord } from '../core/mem/heap.js';
import { attachedThreads } from '../core/rcu/attach.js';
import { workerOf } from '../core/rcu/attached.js';
import { blockersOf } from '../core/rcu/held-up.js';
import { isWaitedFor } from '../core/rcu/reader.js';
import { checkOptionsOf } from './arguments.js';
import type { KindId, MmId } from './ids.js';

/** A thread that is attached to a heap. */
export interface ThreadInfo extends Pick<Blocker, 'name' | 'attachedAtMs'> {
  readonly thread: ThreadId;
  /**
   * Whether a grace period that begins now would wait for it: it is inside a read section or, of
   * flavour qsbr, online. So is a thread that was ended there.
   */
  readonly isReading: boolean;
  /** Number of its JavaScript thread, as `attach` was told; null: of none that can be told. */
  readonly worker: number | null;
}

/** What every thread can be asked; `AttachedThread` is one. */
export abstract class HeapReports {
  protected readonly heap: Heap;

  /** For this package. */
  constructor(heap: Heap) {
    this.heap = heap;
  }

  /** Name of the heap's geometry. */
  get geometry(): string {
    return this.heap.geometry;
  }

  /** Number of a kind by its name. Throws `UsageError` that lists the names. */
  kind(name: string): KindId {
    const index = this.heap.kinds.findIndex((kind) => kind.name === name);
    if (index >= 0) return index;
    const known = this.heap.kinds.map((kind) => kind.name).join(', ');
    throw refusal('no-such-kind', 'kind: name', name, `kinds of ${this.geometry} are: ${known}`);
  }

  /**
   * Who holds up others now: a reader of the grace period under way, who has a queue of callbacks
   * or runs one, who has a lock; null: nobody. A thread that waits for a lock is not
   * named, but the one that has it. A hint: nothing is locked, so in a heap at work somebody is
   * named often. One that goes on being named is stuck, or dead. Takes no lock; O(pages).
   */
  blocker(): Blocker | null {
    return this.blockers()[0] ?? null;
  }

  /** All of those, the reader first. */
  blockers(): Blocker[] {
    return blockersOf(this.heap);
  }

  /** The threads that are attached: a dead one stays until it is recovered (`ptfrag/recovery`). */
  threads(): ThreadInfo[] {
    const { heap } = this;
    return attachedThreads(heap).map((id) => {
      const worker = workerOf(heap, threadRecord(heap, id));
      return { ...describeThread(heap, id), thread: id, isReading: isWaitedFor(heap, id), worker };
    });
  }

  /**
   * Numbers of the mms that live, on whichever thread they were made. A space that is only being
   * made, or that is ending, is not among them.
   */
  mms(): MmId[] {
    return liveMms(this.heap);
  }

  /** Checks every rule; [] if all hold. No operation may be under way on any thread. O(pages). */
  check(options: HeapCheckOptions = {}): Violation[] {
    return checkHeap(this.heap, checkOptionsOf(options));
  }
}
