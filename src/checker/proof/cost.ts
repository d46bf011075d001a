/**
 * What an operation costs in atomic accesses, counted by running it in the model: the mail's "I'm
 * not sure how much of the work can be done with atomics", in figures.
 */
import type { MmId, Word } from '../../core/base/units.js';
import { createMm } from '../../core/frag/mm.js';
import type { Thread } from '../../core/mem/heap.js';
import type { Memory } from '../../core/mem/memory.js';
import { runCallback } from '../../core/rcu/callback.js';
import { advanceGrace } from '../../core/rcu/grace-period.js';
import { takeQueued } from '../../core/rcu/manual.js';
import type { Core } from '../../core/variants/core.js';
import { ACCESS, type AccessKind, Seam } from '../model/access.js';
import { Machine } from '../model/machine.js';
import { type KitOptions, kitWords, makeKit, PTE } from './kit.js';
import { nameOfWord } from './names.js';

/** What one operation costs: its accesses to shared memory, by what they are. */
export interface Cost {
  /** Atomic read-modify-writes, letting go of locks and what the supply does included. */
  readonly writes: number;
  /** Locks taken, of those. */
  readonly locks: number;
  readonly loads: number;
  readonly stores: number;
}

/** A state of a heap, and the operation that is counted in it. */
export interface Situation {
  readonly name: string;
  /** Makes it so, and returns the operation to be counted. */
  readonly prepare: (bench: Bench) => () => void;
  readonly perPage: number;
}

/** Kinds that read a word and write it in one step. */
const READ_MODIFY_WRITE: readonly AccessKind[] = [
  ACCESS.cas,
  ACCESS.exchange,
  ACCESS.add,
  ACCESS.and,
  ACCESS.or,
  ACCESS.xor,
];

interface Seen {
  readonly kind: AccessKind;
  readonly word: Word;
}

/** Memory of the model that keeps count; everything is done at once, as while setting up. */
class Tally {
  readonly memory: Memory = new Seam(this);
  private readonly machine: Machine;
  private seen: Seen[] = [];

  constructor(words: number) {
    this.machine = new Machine({ words, threads: 1, ghostWords: 0 });
  }

  access(kind: AccessKind, word: Word, a: number, b: number): number {
    this.seen.push({ kind, word });
    return this.machine.access(kind, word, a, b);
  }

  /** What was done since the last call. */
  take(): Seen[] {
    return this.seen.splice(0);
  }

  /** Forgets what was done since the last `take`, and goes on behind `counted`. */
  restart(counted: Seen[]): void {
    this.seen = counted;
  }
}

/** One core on a small heap, one thread. */
class Bench {
  readonly core: Core;
  readonly thread: Thread;
  private readonly mm: MmId;
  private readonly tally: Tally;

  constructor(core: Core, perPage: number) {
    const options: KitOptions = { threads: 1, pages: 2, perPage };
    this.tally = new Tally(kitWords(options));
    const kit = makeKit(this.tally, options);
    this.core = core;
    this.thread = kit.threads[0] as Thread;
    this.mm = createMm(this.thread);
  }

  alloc(count: number): Word[] {
    const { core, thread, mm } = this;
    return Array.from({ length: count }, () => core.allocTable(thread, mm, PTE) as Word);
  }

  free(table: Word | undefined): void {
    this.core.freeTable(this.thread, this.mm, table as Word);
  }

  /** The heads that wait, their grace periods over: not counted, the same in all cores. */
  due(): readonly Word[] {
    const counted = this.tally.take();
    advanceGrace(this.thread.heap);
    const heads = takeQueued(this.thread);
    this.tally.restart(counted);
    return heads;
  }

  callback(head: Word | undefined): void {
    runCallback(this.thread, this.core.callbacks, head as Word);
  }

  count(operation: () => void): Cost {
    const { tally, thread } = this;
    tally.take();
    operation();
    const seen = tally.take();
    const of = (...kinds: AccessKind[]): number =>
      seen.filter(({ kind }) => kinds.includes(kind)).length;
    const locks = seen.filter(({ kind, word }) => {
      return kind === ACCESS.cas && nameOfWord(thread.heap, word).endsWith('LOCK');
    });
    const writes = of(...READ_MODIFY_WRITE);
    return { writes, locks: locks.length, loads: of(ACCESS.load), stores: of(ACCESS.store) };
  }
}

/** In the order of a page's life. */
export const SITUATIONS: readonly Situation[] = [
  {
    name: 'alloc, fresh page',
    perPage: 4,
    prepare: (bench) => () => bench.alloc(1),
  },
  {
    name: 'alloc, from a listed page',
    perPage: 4,
    prepare: (bench) => {
      bench.alloc(1);
      return () => bench.alloc(1);
    },
  },
  {
    name: "alloc, a page's last F",
    perPage: 4,
    prepare: (bench) => {
      bench.alloc(3);
      return () => bench.alloc(1);
    },
  },
  {
    name: 'free, some A left, head idle',
    perPage: 4,
    prepare: (bench) => {
      const tables = bench.alloc(2);
      return () => bench.free(tables[0]);
    },
  },
  {
    name: 'free, some A left, head queued',
    perPage: 4,
    prepare: (bench) => {
      const tables = bench.alloc(3);
      bench.free(tables[0]);
      return () => bench.free(tables[1]);
    },
  },
  {
    name: 'free, last A, page listed',
    perPage: 4,
    prepare: (bench) => {
      const tables = bench.alloc(1);
      return () => bench.free(tables[0]);
    },
  },
  {
    name: 'free, last A, page not listed',
    perPage: 2,
    prepare: (bench) => {
      const tables = bench.alloc(2);
      bench.free(tables[0]);
      return () => bench.free(tables[1]);
    },
  },
  {
    name: 'callback, page gets listed',
    perPage: 4,
    prepare: (bench) => {
      const tables = bench.alloc(4);
      bench.free(tables[0]);
      const [head] = bench.due();
      return () => bench.callback(head);
    },
  },
  {
    name: 'callback, page is listed',
    perPage: 4,
    prepare: (bench) => {
      const tables = bench.alloc(2);
      bench.free(tables[0]);
      const [head] = bench.due();
      return () => bench.callback(head);
    },
  },
  {
    name: 'callback, page returned',
    perPage: 2,
    prepare: (bench) => {
      const tables = bench.alloc(1);
      bench.free(tables[0]);
      const [head] = bench.due();
      return () => bench.callback(head);
    },
  },
  {
    name: 'a life: 2 allocs, 2 frees, 2 callbacks',
    perPage: 2,
    prepare: (bench) => () => {
      const tables = bench.alloc(2);
      for (const table of tables) {
        bench.free(table);
        for (const head of bench.due()) bench.callback(head);
      }
    },
  },
];

/** Counts what an operation of a core costs in a situation. */
export function costOf(core: Core, { perPage, prepare }: Situation): Cost {
  const bench = new Bench(core, perPage);
  return bench.count(prepare(bench));
}
