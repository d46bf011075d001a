/**
 * The core under any RCU that is one: callbacks in any order, two at once, on any thread, as early
 * as their grace period allows or as late as one likes.
 *
 * Our own queues are more orderly than that: a queue's heads are run one after the other, the
 * oldest batch first. Nothing may rely on it. Here queued heads are taken out of the queues and lie
 * in slots, one for each page and mm, and any thread may run any of them once a grace period that
 * began after it was queued is over. Read sections and the numbers of grace periods are the real
 * ones: they say what is allowed, and the exploration tries each moment.
 */
import { InvariantError } from '../../../core/base/errors.js';
import type { Pfn, Word } from '../../../core/base/units.js';
import { at } from '../../../core/base/units.js';
import { MM_CALLBACK, PAGE_CALLBACK } from '../../../core/frag/callback-table.js';
import { createMm } from '../../../core/frag/mm.js';
import { ptdescOf, type Thread } from '../../../core/mem/heap.js';
import { PTDESC } from '../../../core/mem/layout.js';
import { callRcu, runCallback } from '../../../core/rcu/callback.js';
import { advanceGrace, beginGrace, graceEnded } from '../../../core/rcu/grace-period.js';
import { takeQueued, waitsFor } from '../../../core/rcu/manual.js';
import type { Operation } from '../../model/program.js';
import {
  type CoreScenario,
  coreScenario,
  distinct,
  freePages,
  orRefused,
  type World,
} from './actors.js';

type Two = readonly [Thread, Thread];

/** Slots among the scenario's own words: of pages from here on, and one for the mm that ends. */
const PAGE_SLOTS = 4;
const MM_SLOT = 2;

/** Slot of page `pfn`, or of the mm. */
function slotOf({ kit }: World, head: Word): Word {
  const page = Math.floor((head - kit.heap.ptdescsAt) / PTDESC.WORDS);
  return kit.own(page < 0 ? MM_SLOT : PAGE_SLOTS + page);
}

/** Puts what a thread has queued into the slots. */
function handOver(world: World, thread: Thread): void {
  for (const head of takeQueued(thread)) {
    if (thread.mem.exchange(slotOf(world, head), head) !== 0) {
      throw new InvariantError('P7', 'this head is queued twice', head);
    }
  }
}

/** Frees a table; whoever likes may run what that queues. */
function dropToSlots(world: World, thread: Thread, table: Word): Operation {
  return () => {
    world.free(thread, table);
    handOver(world, thread);
  };
}

/** Runs what lies in a slot if that may run by now. */
function runSlot(world: World, thread: Thread, slot: Word): Operation {
  const { mem, heap } = thread;
  return () => {
    const head = mem.exchange(slot, 0) as Word | 0;
    if (head === 0) return 'nothing to run';
    advanceGrace(heap);
    const due = waitsFor(thread, head);
    if (due === 0 || !graceEnded(heap, due)) {
      mem.store(slot, head);
      return 'too early to run';
    }
    runCallback(thread, world.core.callbacks, head);
    handOver(world, thread);
    return 'ran';
  };
}

function pageSlot({ kit }: World, pfn: number): Word {
  return kit.own(PAGE_SLOTS + pfn);
}

/** What is left in the slots goes back into a queue, to be drained with the rest. */
function requeue(world: World): void {
  const [thread] = world.threads as Two;
  const { heap, mem } = thread;
  for (let pfn = 0; pfn < heap.pagesMax; pfn++) {
    if (mem.exchange(pageSlot(world, pfn), 0) === 0) continue;
    callRcu(thread, at(ptdescOf(heap, pfn as Pfn), PTDESC.RCU), PAGE_CALLBACK);
  }
  const mm = mem.exchange(world.kit.own(MM_SLOT), 0) as Word | 0;
  if (mm !== 0) callRcu(thread, mm, MM_CALLBACK);
}

function twoPages(name: string, large: boolean): CoreScenario {
  return coreScenario({
    name,
    about: 'Callbacks of two pages of one list run at once, in any order, and a table is taken.',
    rules: ['P1', 'P4', 'P6', 'P7', 'H2'],
    mustSee: ['ran', 'first page', 'second page'],
    large,
    kit: { threads: 3, pages: 2 },
    play: (world) => {
      const { kit, see } = world;
      const [one, two, three] = world.threads as [Thread, Thread, Thread];
      const tables = world.takePage(4) as [Word, Word, Word, Word];
      world.free(one, tables[0]);
      world.free(two, tables[2]);
      advanceGrace(kit.heap);
      for (const thread of [one, two]) handOver(world, thread);
      const taker = large ? [] : [world.take(one)];
      return {
        threads: [
          [runSlot(world, one, pageSlot(world, 0)), ...taker],
          [runSlot(world, two, pageSlot(world, 1))],
          large ? [world.take(three)] : [],
        ],
        atEnd: (results) => {
          requeue(world);
          const taken = (large ? results[2]?.[0] : results[0]?.[1]) as Word | null;
          if (taken === tables[0]) see('first page');
          if (taken === tables[2]) see('second page');
          return [distinct([tables[1], tables[3], taken])];
        },
      };
    },
  });
}

const againAndAgain = coreScenario({
  name: 'free-vs-callback+any-order',
  about:
    'Both tables of a page are freed while whoever likes runs its callback, as often as it may.',
  rules: ['P3', 'P6', 'P7', 'P9', 'P10', 'H2'],
  mustSee: ['ran', 'nothing to run', 'too early to run', 'page returned', 'page waits'],
  kit: { threads: 3, pages: 1 },
  play: (world) => {
    const { kit, see } = world;
    const [one, two, three] = world.threads as [Thread, Thread, Thread];
    const tables = world.takePage(2) as [Word, Word];
    const slot = pageSlot(world, 0);
    return {
      threads: [
        [dropToSlots(world, one, tables[0])],
        [dropToSlots(world, two, tables[1]), runSlot(world, two, slot)],
        [runSlot(world, three, slot)],
      ],
      atEnd: () => {
        see(freePages(kit) === 1 ? 'page returned' : 'page waits');
        requeue(world);
        return [];
      },
    };
  },
});

const joinAny = coreScenario({
  name: 'free-vs-grace+any-order',
  about: 'A table is freed while a grace period begins and the callback runs as early as it may.',
  rules: ['P3', 'P10', 'P9', 'H2'],
  mustSee: ['ran', 'page returned', 'page waits'],
  kit: { threads: 3, pages: 1 },
  play: (world) => {
    const { kit, see } = world;
    const [one, two, three] = world.threads as [Thread, Thread, Thread];
    const tables = world.takePage(2) as [Word, Word];
    world.free(two, tables[0]);
    handOver(world, two);
    const slot = pageSlot(world, 0);
    return {
      threads: [
        [dropToSlots(world, one, tables[1])],
        [runSlot(world, two, slot), runSlot(world, two, slot)],
        [(): void => beginGrace(three.heap)],
      ],
      atEnd: () => {
        see(freePages(kit) === 1 ? 'page returned' : 'page waits');
        requeue(world);
        return [];
      },
    };
  },
});

const exitAny = coreScenario({
  name: 'destroy-vs-callback+any-order',
  about: "An mm's record is freed before or after the callback of the last page that it had.",
  rules: ['P5', 'H1', 'H2', 'H10'],
  mustSee: ['ran', 'destroy: done', 'record first', 'page first'],
  kit: { threads: 3, pages: 1 },
  play: (world) => {
    const { kit, see } = world;
    const [one, two, three] = world.threads as [Thread, Thread, Thread];
    const [kept, freed] = world.takePage(2) as [Word, Word];
    world.free(two, freed);
    advanceGrace(kit.heap);
    handOver(world, two);
    return {
      threads: [
        [
          dropToSlots(world, one, kept),
          (): unknown => {
            const outcome = orRefused('destroy', () => world.destroy(one))([]);
            handOver(world, one);
            return outcome;
          },
        ],
        [runSlot(world, two, pageSlot(world, 0)), runSlot(world, two, pageSlot(world, 0))],
        [runSlot(world, three, kit.own(MM_SLOT)), orRefused('create', () => createMm(three))],
      ],
      atEnd: (results) => {
        const reused = results[2]?.[1] === 'create: done';
        if (reused && freePages(kit) === 0) see('record first');
        if (!reused && freePages(kit) === 1) see('page first');
        requeue(world);
        return [];
      },
    };
  },
});

export const ANY_ORDER_SCENARIOS: readonly CoreScenario[] = [
  twoPages('callback-vs-callback+any-order', false),
  twoPages('callback-vs-callback-vs-alloc+any-order', true),
  againAndAgain,
  joinAny,
  exitAny,
];
