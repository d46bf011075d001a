/**
 * Address spaces: their records against callbacks that come late, and who may end them.
 */
import type { MmId, Word } from '../../base/units.js';
import { CALLBACKS } from '../../frag/callback.js';
import { freeTable } from '../../frag/free.js';
import { createMm, destroyMm, enterMm, leaveMm } from '../../frag/mm.js';
import { mmRecord, type Thread } from '../../mem/heap.js';
import { runCallback } from '../../rcu/callback.js';
import { advanceGrace } from '../../rcu/grace-period.js';
import { takeQueued } from '../../rcu/manual.js';
import type { Kit } from '../kit.js';
import type { Operation } from '../machine.js';
import type { Finding, Scenario } from '../scenario.js';
import {
  distinct,
  drop,
  dropTaken,
  freePages,
  heapScenario,
  orRefused,
  serve,
  take,
  takeOne,
  takePage,
  type World,
} from './actors.js';

type Two = readonly [Thread, Thread];

/** A page with one table left and a callback for the other that may run at once. */
function dueCallback(world: World): readonly [Word, Word] {
  const [, two] = world.threads as Two;
  const [kept, freed] = takePage(world, 2) as [Word, Word];
  freeTable(two, world.mm, freed);
  advanceGrace(world.kit.heap);
  return [kept, freed];
}

function allReturned(kit: Kit): Finding | null {
  if (freePages(kit) === kit.heap.pagesMax) return null;
  return { rule: 'H10', detail: `${freePages(kit)} pages came back of ${kit.heap.pagesMax}` };
}

/**
 * Creates another mm in the record that is free again. All of it is its creator's now, the lock
 * included: whoever still comes for the last mm's lock races with the plain store here.
 */
function createNext(thread: Thread, kit: Kit): Operation {
  return orRefused('create', () => {
    const lock = mmRecord(kit.heap, createMm(thread));
    thread.mem.poke(lock, thread.mem.peek(lock));
  });
}

const destroyVsCallback = heapScenario({
  name: 'destroy-vs-callback+last-page',
  about: 'An mm ends while the callback of its last page is about to lock it.',
  rules: ['P5', 'H1', 'H6', 'P3'],
  mustSee: ['callbacks 1', 'destroy: done', 'create: done', 'create: no room'],
  kit: { threads: 2, pages: 2 },
  play: (world) => {
    const { kit, mm } = world;
    const [one, two] = world.threads as Two;
    const [kept] = dueCallback(world);
    return {
      threads: [
        [
          drop(one, mm, kept),
          orRefused('destroy', () => destroyMm(one, mm)),
          serve(one, one),
          createNext(one, kit),
        ],
        [serve(two, two)],
      ],
      drained: () => [allReturned(kit)],
    };
  },
});

/** A page of fragments whose callback is run by hand, as the deterministic replay does. */
const destroyByHand = heapScenario({
  name: 'destroy-vs-callback+by-hand',
  about: 'The same where the callback is run by whoever decides by itself when it is due.',
  rules: ['P5', 'H1'],
  mustSee: ['ran', 'destroy: done', 'create: done'],
  kit: { threads: 2, pages: 2 },
  play: (world) => {
    const { kit, mm } = world;
    const [one, two] = world.threads as Two;
    const [kept] = dueCallback(world);
    const [head] = takeQueued(two) as [Word];
    return {
      threads: [
        [
          drop(one, mm, kept),
          orRefused('destroy', () => destroyMm(one, mm)),
          serve(one, one),
          serve(one, one),
          createNext(one, kit),
        ],
        [
          (): string => {
            runCallback(two, CALLBACKS, head);
            return 'ran';
          },
        ],
      ],
      drained: () => [allReturned(kit)],
    };
  },
});

const exitPending = heapScenario({
  name: 'exit-vs-callback+pending',
  about: 'An mm frees all tables of two pages and ends while callbacks of them wait or run.',
  rules: ['H10', 'P5', 'P6', 'P9'],
  mustSee: ['callbacks 1', 'destroy: done', 'pages came back early', 'pages come back later'],
  kit: { threads: 2, pages: 2 },
  play: (world) => {
    const { kit, mm, see } = world;
    const [one, two] = world.threads as Two;
    const tables = takePage(world, 3) as [Word, Word, Word];
    freeTable(two, mm, tables[1]);
    advanceGrace(kit.heap);
    return {
      threads: [
        [
          drop(one, mm, tables[0]),
          drop(one, mm, tables[2]),
          orRefused('destroy', () => destroyMm(one, mm)),
        ],
        [serve(two, two), serve(two, one)],
      ],
      atEnd: () => {
        see(freePages(kit) > 0 ? 'pages came back early' : 'pages come back later');
        return [];
      },
      drained: () => [allReturned(kit)],
    };
  },
});

const recordReused = heapScenario({
  name: 'late-callback-vs-next-mm+record',
  about: "A record serves its next mm while the callback of the last one's page may still come.",
  rules: ['P5', 'H1', 'H6', 'P1'],
  mustSee: ['callbacks 1', 'callbacks 2', 'create: done', 'create: no room'],
  kit: { threads: 2, pages: 2 },
  play: (world) => {
    const { kit, mm } = world;
    const [one, two] = world.threads as Two;
    const [kept, freed] = takePage(world, 2) as [Word, Word];
    freeTable(two, mm, freed);
    return {
      threads: [
        [
          drop(one, mm, kept),
          orRefused('destroy', () => destroyMm(one, mm)),
          serve(one, one),
          createNext(one, kit),
        ],
        [serve(two, two)],
      ],
      drained: () => [allReturned(kit)],
    };
  },
});

const sharingAll = heapScenario({
  name: 'alloc-vs-free+sharing-all',
  about: 'Two mms share pages; one ends while the other allocates from the page of both.',
  rules: ['P1', 'P4', 'P6'],
  mustSee: ['destroy: done', 'shared page', 'callbacks 2'],
  kit: { threads: 2, pages: 2, mms: 2, sharing: 'all' },
  play: (world) => {
    const { kit, mm, see } = world;
    const [one, two] = world.threads as Two;
    const other = createMm(two);
    const table = takeOne(one, mm, kit);
    return {
      threads: [
        [drop(one, mm, table), orRefused('destroy', () => destroyMm(one, mm)), serve(one, one)],
        [take(two, other, kit)],
      ],
      atEnd: (results) => {
        const taken = results[1]?.[0] as Word;
        if (taken === table + kit.fragmentWords) see('shared page');
        return [];
      },
    };
  },
});

const enterVsDestroy = heapScenario({
  name: 'enter-vs-destroy+users',
  about: 'An mm is entered or destroyed, not both.',
  rules: ['P5', 'H1'],
  mustSee: ['enter: done', 'enter: mm-not-live', 'destroy: done', 'destroy: mm-in-use'],
  kit: { threads: 2, pages: 1 },
  play: ({ threads, mm }) => {
    const [one, two] = threads as Two;
    return {
      threads: [
        [orRefused('enter', () => enterMm(one, mm))],
        [orRefused('destroy', () => destroyMm(two, mm)), serve(two, two), serve(two, two)],
      ],
      atEnd: (results) => {
        const both = results[0]?.[0] === 'enter: done' && results[1]?.[0] === 'destroy: done';
        return [both ? { rule: 'P5', detail: 'an mm was destroyed under its user' } : null];
      },
    };
  },
});

const destroyVsUser = heapScenario({
  name: 'destroy-vs-alloc+users',
  about: 'An mm is not destroyed under a thread that works on it, with tables or without.',
  rules: ['P5', 'H1', 'P6'],
  mustSee: ['destroy: done', 'destroy: mm-in-use', 'destroy: mm-has-tables'],
  kit: { threads: 2, pages: 1 },
  play: ({ kit, threads, mm }) => {
    const [one, two] = threads as Two;
    enterMm(one, mm);
    return {
      threads: [
        [take(one, mm, kit), dropTaken(one, mm, 0), (): void => leaveMm(one, mm)],
        [orRefused('destroy', () => destroyMm(two, mm))],
      ],
    };
  },
});

const destroyVsTables = heapScenario({
  name: 'destroy-vs-alloc+tables',
  about: 'An mm with a table is not destroyed, and its table can be freed.',
  rules: ['P5', 'P6'],
  mustSee: ['destroy: mm-has-tables', 'destroy: done'],
  kit: { threads: 2, pages: 1 },
  play: ({ kit, threads: [one, two], mm }) => {
    const table = takeOne(one as Thread, mm, kit);
    return {
      threads: [
        [drop(one as Thread, mm, table)],
        [orRefused('destroy', () => destroyMm(two as Thread, mm))],
      ],
    };
  },
});

const createVsDestroy = heapScenario({
  name: 'create-vs-destroy+table',
  about: 'Two threads make and end mms at once: each has a record of its own.',
  rules: ['P5', 'P1'],
  mustSee: ['two mms', 'destroy: done'],
  kit: { threads: 2, pages: 1, mms: 3 },
  play: ({ threads, mm, see }) => {
    const [one, two] = threads as Two;
    return {
      threads: [
        [
          orRefused('destroy', () => destroyMm(one, mm)),
          serve(one, one),
          (): MmId => createMm(one),
        ],
        [(): MmId => createMm(two)],
      ],
      atEnd: (results) => {
        if (results[1]?.[0] !== results[0]?.[2]) see('two mms');
        return [distinct([results[0]?.[2], results[1]?.[0]])];
      },
    };
  },
});

export const MM_SCENARIOS: readonly Scenario[] = [
  destroyVsCallback,
  destroyByHand,
  exitPending,
  recordReused,
  sharingAll,
  enterVsDestroy,
  destroyVsUser,
  destroyVsTables,
  createVsDestroy,
];
