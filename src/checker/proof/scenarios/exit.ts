/** The end of an mm, against callbacks that come late for what it left. */
import type { Word } from '../../../core/base/units.js';
import { createMm } from '../../../core/frag/mm.js';
import { mmRecord, type Thread } from '../../../core/mem/heap.js';
import { runCallback } from '../../../core/rcu/callback.js';
import { advanceGrace } from '../../../core/rcu/grace-period.js';
import { takeQueued } from '../../../core/rcu/manual.js';
import type { Operation } from '../../model/program.js';
import type { Finding } from '../../model/scenario.js';
import type { Kit } from '../kit.js';
import { type CoreScenario, coreScenario, freePages, orRefused, type World } from './actors.js';

type Two = readonly [Thread, Thread];

/** A page with one table left and a callback for the other that may run at once. */
function dueCallback(world: World): readonly [Word, Word] {
  const [, two] = world.threads as Two;
  const [kept, freed] = world.takePage(2) as [Word, Word];
  world.free(two, freed);
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

const destroyVsCallback = coreScenario({
  name: 'destroy-vs-callback+last-page',
  about: 'An mm ends while the callback of its last page is about to lock it.',
  rules: ['P5', 'H1', 'H6', 'P3'],
  mustSee: ['callbacks 1', 'destroy: done', 'create: done', 'create: no room'],
  kit: { threads: 2, pages: 2 },
  play: (world) => {
    const { kit } = world;
    const [one, two] = world.threads as Two;
    const [kept] = dueCallback(world);
    return {
      threads: [
        [
          world.drop(one, kept),
          orRefused('destroy', () => world.destroy(one)),
          world.serve(one, one),
          createNext(one, kit),
        ],
        [world.serve(two, two)],
      ],
      drained: () => [allReturned(kit)],
    };
  },
});

/** A page of fragments whose callback is run by hand, as the deterministic replay does. */
const destroyByHand = coreScenario({
  name: 'destroy-vs-callback+by-hand',
  about: 'The same where the callback is run by whoever decides by itself when it is due.',
  rules: ['P5', 'H1'],
  mustSee: ['ran', 'destroy: done', 'create: done'],
  kit: { threads: 2, pages: 2 },
  play: (world) => {
    const { kit } = world;
    const [one, two] = world.threads as Two;
    const [kept] = dueCallback(world);
    const [head] = takeQueued(two) as [Word];
    return {
      threads: [
        [
          world.drop(one, kept),
          orRefused('destroy', () => world.destroy(one)),
          world.serve(one, one),
          world.serve(one, one),
          createNext(one, kit),
        ],
        [
          (): string => {
            runCallback(two, world.core.callbacks, head);
            return 'ran';
          },
        ],
      ],
      drained: () => [allReturned(kit)],
    };
  },
});

const destroyLast = coreScenario({
  name: 'destroy-vs-callback+no-table',
  about: 'An mm ends while the callback of its last page is due, and its page and record go on.',
  rules: ['P3', 'P4', 'P5', 'H1', 'H6', 'H10'],
  mustSee: ['callbacks 1', 'destroy: done', 'create: done', 'create: no room', 'page taken'],
  kit: { threads: 2, pages: 1, mms: 2 },
  play: (world) => {
    const { kit, see } = world;
    const [one, two] = world.threads as Two;
    const other = createMm(one);
    world.free(two, world.takeOne(one));
    advanceGrace(kit.heap);
    return {
      threads: [
        [
          orRefused('destroy', () => world.destroy(one)),
          world.serve(one, one),
          createNext(one, kit),
        ],
        [world.serve(two, two), world.take(two, other)],
      ],
      atEnd: (results) => {
        if (results[1]?.[1] !== null) see('page taken');
        return [];
      },
    };
  },
});

/** Two pages without tables, which in some cores are still listed, and their callbacks due. */
const destroyDraining = coreScenario({
  name: 'destroy-vs-callback+draining',
  about: 'An mm whose tables are all freed ends while the callbacks of its pages are due.',
  rules: ['P3', 'P4', 'P5', 'H1', 'H10'],
  mustSee: ['callbacks 1', 'destroy: done', 'page for another mm', 'none for another mm'],
  kit: { threads: 2, pages: 2, mms: 2 },
  play: (world) => {
    const { kit, see } = world;
    const [one, two] = world.threads as Two;
    const other = createMm(one);
    const tables = world.takePage(3) as [Word, Word, Word];
    world.free(two, tables[0]);
    world.serveAll(two);
    world.free(two, tables[1]);
    world.free(one, tables[2]);
    advanceGrace(kit.heap);
    return {
      threads: [
        [
          orRefused('destroy', () => world.destroy(one)),
          world.serve(one, one),
          world.take(one, other),
        ],
        [world.serve(two, two)],
      ],
      atEnd: (results) => {
        see(results[0]?.[2] === null ? 'none for another mm' : 'page for another mm');
        return [];
      },
    };
  },
});

const exitPending = coreScenario({
  name: 'exit-vs-callback+pending',
  about: 'An mm frees all tables of two pages and ends while callbacks of them wait or run.',
  rules: ['H10', 'P5', 'P6', 'P9'],
  mustSee: ['callbacks 1', 'destroy: done', 'pages came back early', 'pages come back later'],
  kit: { threads: 2, pages: 2 },
  play: (world) => {
    const { kit, see } = world;
    const [one, two] = world.threads as Two;
    const tables = world.takePage(3) as [Word, Word, Word];
    world.free(two, tables[1]);
    advanceGrace(kit.heap);
    return {
      threads: [
        [
          world.drop(one, tables[0]),
          world.drop(one, tables[2]),
          orRefused('destroy', () => world.destroy(one)),
        ],
        [world.serve(two, two), world.serve(two, one)],
      ],
      atEnd: () => {
        see(freePages(kit) > 0 ? 'pages came back early' : 'pages come back later');
        return [];
      },
      drained: () => [allReturned(kit)],
    };
  },
});

const recordReused = coreScenario({
  name: 'late-callback-vs-next-mm+record',
  about: "A record serves its next mm while the callback of the last one's page may still come.",
  rules: ['P5', 'H1', 'H6', 'P1'],
  mustSee: ['callbacks 1', 'callbacks 2', 'create: done', 'create: no room'],
  kit: { threads: 2, pages: 2 },
  play: (world) => {
    const { kit } = world;
    const [one, two] = world.threads as Two;
    const [kept, freed] = world.takePage(2) as [Word, Word];
    world.free(two, freed);
    return {
      threads: [
        [
          world.drop(one, kept),
          orRefused('destroy', () => world.destroy(one)),
          world.serve(one, one),
          createNext(one, kit),
        ],
        [world.serve(two, two)],
      ],
      drained: () => [allReturned(kit)],
    };
  },
});

export const EXIT_SCENARIOS: readonly CoreScenario[] = [
  destroyVsCallback,
  destroyByHand,
  destroyLast,
  destroyDraining,
  exitPending,
  recordReused,
];
