/**
 * Waits for locks that are given up. Every thread here is as impatient as can be: it sleeps for no
 * lock, so each wait of an operation may be the last. What an operation has not done then it has
 * done nothing of, or its error says what is left; a callback that refused runs once more.
 */
import { InvariantError, StallError } from '../../../core/base/errors.js';
import type { MmId, ThreadId, Vpn, Word } from '../../../core/base/units.js';
import { at } from '../../../core/base/units.js';
import { freeTable } from '../../../core/frag/free.js';
import { createMm, destroyMm, ownerOf } from '../../../core/frag/mm.js';
import {
  type LockWaits,
  pfnOfAddress,
  ptdescOf,
  type Thread,
  threadRecord,
} from '../../../core/mem/heap.js';
import { PTDESC, THREAD } from '../../../core/mem/layout.js';
import { acquire, release } from '../../../core/mem/lock.js';
import { findTable, tableLock } from '../../../core/pgtable/lock.js';
import { advanceGrace } from '../../../core/rcu/grace-period.js';
import { tryBarrier } from '../../../core/rcu/wait.js';
import type { Operation } from '../../model/program.js';
import type { Scenario } from '../../model/scenario.js';
import { type Kit, PTE } from '../kit.js';
import { heapScenario, orRefused } from './actors.js';
import { collapses, mapPage, treeScenario, unmaps } from './tree.js';

const IMPATIENT: Partial<LockWaits> = { stallMs: 0 };

/** What an operation ended with: its result, or the wait that was given up. */
function orStalled(what: string, operation: () => unknown): Operation {
  return () => {
    try {
      operation();
      return `${what}: done`;
    } catch (error) {
      if (!(error instanceof StallError)) throw error;
      return error.unfinished ?? `${what}: stalled`;
    }
  };
}

/** Whether some callback of a thread's queue refused. */
function hasRefused({ heap }: Kit, thread: number): boolean {
  return heap.mem.load(at(threadRecord(heap, thread as ThreadId), THREAD.QUEUE_REFUSED)) !== 0;
}

const callbackRefuses = heapScenario({
  name: 'stall-vs-callback+last-table',
  about: 'The last table of a page is freed while its callback runs, and neither waits for a lock.',
  rules: ['L4', 'P6', 'P7', 'P9', 'R1'],
  mustSee: ['free: done', 'free: stalled', 'callbacks 1', 'callbacks 0', 'refused', 'none refused'],
  kit: { threads: 2, pages: 1, lockWaits: IMPATIENT },
  play: (world) => {
    const { kit, see } = world;
    const [one, two] = world.threads as [Thread, Thread];
    const [first, last] = world.takePage(2) as [Word, Word];
    world.free(two, first);
    advanceGrace(kit.heap);
    return {
      threads: [
        [orStalled('free', () => world.free(one, last))],
        [world.serve(two, two), world.serve(two, two)],
      ],
      atEnd: (results) => {
        see(hasRefused(kit, 1) ? 'refused' : 'none refused');
        if (results[0]?.[0] === 'free: stalled') world.free(one, last);
        return [];
      },
    };
  },
});

const barrierWaits = heapScenario({
  name: 'stall-vs-barrier+refused',
  about: 'A callback refuses, for the supply is locked; a barrier ends when it has run once more.',
  rules: ['L4', 'R1', 'R3', 'P9'],
  mustSee: ['callbacks 1', 'callbacks 0', 'refused', 'barrier waits', 'barrier over'],
  kit: { threads: 3, pages: 2, lockWaits: IMPATIENT },
  play: (world) => {
    const { kit, see } = world;
    const [one, two, three] = world.threads as [Thread, Thread, Thread];
    const tables = world.takePage(2) as [Word, Word];
    for (const table of tables) world.free(one, table);
    const owner = at(ptdescOf(kit.heap, pfnOfAddress(kit.heap, tables[0])), PTDESC.OWNER);
    advanceGrace(kit.heap);
    const barrier = (): string => {
      // One step, of a barrier that waits for the last batch of the first queue.
      const queue = one.id;
      const next = tryBarrier(two, world.core.callbacks, { queue, moved: true, left: 0 });
      if (next?.queue === queue) return 'barrier waits';
      // Negative from its last free until it is returned.
      if (two.mem.load(owner) < 0) throw new InvariantError('R3', 'a barrier left the page out');
      return 'barrier over';
    };
    const serves = world.serve(one, one);
    return {
      threads: [
        [
          (results): unknown => {
            const served = serves(results);
            if (hasRefused(kit, 0)) see('refused');
            return served;
          },
        ],
        [barrier],
        [orStalled('take', () => world.take(three)([]))],
      ],
    };
  },
});

const mms = heapScenario({
  name: 'stall-vs-create+mms',
  about: 'An mm is made while another ends; neither waits for the table of mms or for the owner.',
  rules: ['L4', 'P6', 'P7'],
  mustSee: ['create: done', 'create: stalled', 'callbacks 1', 'refused'],
  kit: { threads: 2, pages: 1, mms: 2, sharing: 'all', lockWaits: IMPATIENT },
  play: (world) => {
    const { kit, see } = world;
    const [one, two] = world.threads as [Thread, Thread];
    const ended = createMm(two);
    destroyMm(two, ended as MmId);
    advanceGrace(kit.heap);
    return {
      threads: [[orRefused('create', () => stalls(one, see))], [world.serve(two, two)]],
      atEnd: () => {
        see(hasRefused(kit, 1) ? 'refused' : 'none refused');
        return [];
      },
    };
  },
});

function stalls(thread: Thread, see: (what: string) => void): void {
  try {
    createMm(thread);
  } catch (error) {
    if (!(error instanceof StallError)) throw error;
    see('create: stalled');
  }
}

/** The table that an error says was unlinked and not freed; null: none. */
function unlinkedTable(said: unknown): Word | null {
  const found = /^table (\d+) of mm \d+ is unlinked/.exec(String(said));
  return found === null ? null : (Number(found[1]) as Word);
}

const trees = treeScenario({
  name: 'stall-vs-collapse+one-table',
  about: 'A page is unmapped while its table becomes a large frame; neither waits for a lock.',
  rules: ['L4', 'T1', 'T2', 'P6'],
  mustSee: ['collapse: done', 'collapse: stalled', 'unmap: done', 'unmap: stalled'],
  threads: 2,
  mapped: [0],
  lockWaits: IMPATIENT,
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    const [unmapper, mapper] = [by(one), by(two)];
    return [
      [orStalled('unmap', () => unmaps(unmapper, 0)([]))],
      [orStalled('collapse', () => collapses(mapper, 0, 32)([]))],
    ];
  },
  atEnd: ({ space }, results) => {
    for (const said of results.flat()) {
      const table = unlinkedTable(said);
      if (table !== null) freeTable(space.thread, space.mm, table);
    }
    return [];
  },
});

const own = heapScenario({
  name: 'stall-vs-alloc+own-lock',
  about: 'A thread that was broken off under a lock does not wait for it, while another does.',
  rules: ['L4'],
  mustSee: ['own: stalled', 'other: done'],
  // Waits without an end: what is the thread's own must be told at once.
  kit: { threads: 2, pages: 1 },
  play: (world) => {
    const [one, two] = world.threads as [Thread, Thread];
    const lock = ownerOf(world.kit.heap, world.mm);
    acquire(one, lock);
    return {
      threads: [
        [orStalled('own', () => world.takeOne(one)), () => release(one, lock)],
        [orStalled('other', () => world.takeOne(two))],
      ],
    };
  },
});

/** A thread that has a lock for a while, if it gets it. */
function holds(thread: Thread, lock: Word): Operation {
  return orStalled('hold', () => {
    acquire(thread, lock);
    release(thread, lock);
  });
}

const freshPage = heapScenario({
  name: 'stall-vs-alloc+fresh-page',
  about: 'The owner is locked when the page for a table is ready: the page goes back.',
  rules: ['L4', 'P3', 'P6'],
  mustSee: ['take: done', 'take: stalled'],
  kit: { threads: 2, pages: 1, debug: true, lockWaits: IMPATIENT },
  play: (world) => {
    const [one, two] = world.threads as [Thread, Thread];
    const { core, mm } = world;
    const takes = orStalled('take', () => core.allocTable(one, mm, PTE));
    return { threads: [[takes], [holds(two, ownerOf(world.kit.heap, mm))]] };
  },
});

/** Who maps waits for the lock of a table that another thread has. */
function faultStalls(
  where: string,
  about: string,
  mapped: readonly number[],
  level: number,
): Scenario {
  return treeScenario({
    name: `stall-vs-fault+${where}`,
    about,
    rules: ['L4', 'T1', 'P6'],
    mustSee: ['map: done', 'map: stalled'],
    threads: 2,
    mapped,
    lockWaits: IMPATIENT,
    play: ({ world, by, space }) => {
      const [one, two] = world.threads as [Thread, Thread];
      const lock = tableLock(world.kit.heap, findTable(space, 0 as Vpn, level) as Word);
      return [[orStalled('map', () => mapPage(by(one), 1, 17))], [holds(two, lock)]];
    },
  });
}

export const STALL_SCENARIOS: readonly Scenario[] = [
  callbackRefuses,
  barrierWaits,
  mms,
  trees,
  own,
  freshPage,
  faultStalls('own-table', 'The table in which a page is to be mapped is locked.', [0], 0),
  faultStalls('table-above', 'The table in which a new one is to be linked is locked.', [2], 1),
];
