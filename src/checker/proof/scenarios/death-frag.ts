/** Threads that die in the core: at any step of an allocation, a free or a callback. */
import type { Word } from '../../../core/base/units.js';
import type { Thread } from '../../../core/mem/heap.js';
import { advanceGrace, beginGrace } from '../../../core/rcu/grace-period.js';
import type { Operation } from '../../model/program.js';
import type { Scenario } from '../../model/scenario.js';
import { heapScenario, type World } from './actors.js';
import { alloc, type Death, death, recover, two, VICTIM } from './dying.js';

const allocLast = death({
  name: 'die-vs-free+alloc-last',
  about: 'A thread dies while it takes the last fragment of a page, and another frees the first.',
  mustSee: ['NONE free', 'ALLOC locked', 'HOLD free', 'NONE locked'],
  kit: { pages: 2 },
  play: (world) => {
    const [survivor, victim] = two(world);
    const table = world.takeOne(survivor);
    return { survivor: [world.drop(survivor, table)], victim: [alloc(world, victim)], tables: [] };
  },
});

/** Where whoever recovers dies of it: an operation of the victim's, and nobody else there. */
function deathOfRecoverer(
  operation: string,
  mustSee: readonly string[],
  play: (world: World) => Omit<ReturnType<Death['play']>, 'survivor'>,
  kit: Death['kit'] = { pages: 1 },
): Scenario {
  return death({
    name: `die-vs-recover+${operation}`,
    about: `A thread dies in ${operation}, whoever recovers it too, and another recovers both.`,
    mustSee,
    recoverers: 2,
    kit,
    play: (world) => ({ ...play(world), survivor: [] }),
  });
}

const recoverAlloc = deathOfRecoverer('alloc-last', ['ALLOC locked', 'HOLD free'], (world) => {
  const table = world.takeOne(world.threads[VICTIM] as Thread);
  return { victim: [alloc(world, world.threads[VICTIM] as Thread)], tables: [table] };
});

const recoverFresh = deathOfRecoverer(
  'alloc-fresh',
  ['NONE free with a page', 'ALLOC locked with a page', 'ALLOC locked'],
  (world) => ({ victim: [alloc(world, world.threads[VICTIM] as Thread)], tables: [] }),
);

const recoverFree = deathOfRecoverer('free-last', ['FREE locked'], (world) => {
  const victim = world.threads[VICTIM] as Thread;
  const table = world.takeOne(victim);
  return { victim: [world.drop(victim, table)], tables: [], freed: table };
});

const recoverCallback = deathOfRecoverer(
  'callback',
  ['NONE free in a callback', 'NONE locked in a callback'],
  (world) => {
    const victim = world.threads[VICTIM] as Thread;
    const [one, other] = world.takePage(2) as [Word, Word];
    world.free(victim, one);
    for (let round = 0; round < 2; round++) advanceGrace(world.kit.heap);
    return { victim: [world.serve(victim, victim)], tables: [other] };
  },
);

/** With nobody else there, and where another one allocates too. */
const allocFresh = (name: string, large: boolean): Scenario =>
  death({
    name,
    about: 'A thread dies while it brings a fresh page, and another may allocate from it.',
    mustSee: ['NONE free with a page', 'ALLOC locked with a page', 'ALLOC locked', 'HOLD free'],
    large,
    kit: { pages: 2 },
    play: (world) => {
      const [survivor, victim] = two(world);
      const other = large ? [alloc(world, survivor)] : [];
      return { survivor: other, victim: [alloc(world, victim)], tables: [] };
    },
  });

const freeLast = death({
  name: 'die-vs-alloc+free-last',
  about: 'A thread dies while it frees the last table of a page, and another wants one of it.',
  mustSee: ['FREE locked', 'NONE locked', 'NONE free'],
  kit: { pages: 2 },
  play: (world) => {
    const [survivor, victim] = two(world);
    const table = world.takeOne(survivor);
    return {
      survivor: [alloc(world, survivor)],
      victim: [world.drop(victim, table)],
      tables: [],
      freed: table,
    };
  },
});

const freeOther = death({
  name: 'die-vs-free+one-page',
  about: 'A thread dies while it frees one of two tables of a page, and another frees the other.',
  mustSee: ['FREE locked', 'NONE locked'],
  kit: { pages: 1 },
  play: (world) => {
    const [survivor, victim] = two(world);
    const [one, other] = world.takePage(2) as [Word, Word];
    return {
      survivor: [world.drop(survivor, one)],
      victim: [world.drop(victim, other)],
      tables: [],
      freed: other,
    };
  },
});

const allocBoth = death({
  name: 'die-vs-alloc+last-fragment',
  about: 'A thread dies while it takes the last fragment of a page, and another wants it too.',
  mustSee: ['ALLOC locked', 'HOLD free', 'NONE free'],
  kit: { pages: 1 },
  play: (world) => {
    const [survivor, victim] = two(world);
    const table = world.takeOne(survivor);
    return { survivor: [alloc(world, survivor)], victim: [alloc(world, victim)], tables: [table] };
  },
});

const freedAgain = death({
  name: 'die-vs-serve+freed-again',
  about: 'A thread dies at the end of a free, when another has allocated the table anew.',
  mustSee: ['FREE locked', 'NONE free'],
  kit: { pages: 1 },
  play: (world) => {
    const [survivor, victim] = two(world);
    const [one, other] = world.takePage(2) as [Word, Word];
    const serve = world.serve(survivor, victim);
    const survives: Operation = () => {
      serve([]);
      serve([]);
      return alloc(world, survivor)([]);
    };
    return {
      survivor: [survives],
      victim: [world.drop(victim, other)],
      tables: [one],
      freed: other,
    };
  },
});

const callback = death({
  name: 'die-vs-free+callback',
  about:
    'A thread dies in the callback of a page in which a table is left, and another frees that.',
  mustSee: ['NONE free in a callback', 'NONE locked in a callback'],
  kit: { pages: 1 },
  play: (world) => {
    const [survivor, victim] = two(world);
    const [one, other] = world.takePage(2) as [Word, Word];
    world.free(victim, one);
    for (let round = 0; round < 2; round++) advanceGrace(world.kit.heap);
    return {
      survivor: [world.drop(survivor, other)],
      victim: [world.serve(victim, victim)],
      tables: [],
    };
  },
});

const callbackAlone = death({
  name: 'die-vs-alloc+callback-return',
  about: 'A thread dies in the callback that returns a page, and another wants a page.',
  mustSee: ['NONE free in a callback', 'NONE free with a page', 'NONE free'],
  kit: { pages: 1 },
  play: (world) => {
    const [survivor, victim] = two(world);
    world.free(victim, world.takeOne(victim));
    for (let round = 0; round < 2; round++) advanceGrace(world.kit.heap);
    return {
      survivor: [alloc(world, survivor)],
      victim: [world.serve(victim, victim)],
      tables: [],
    };
  },
});

/**
 * A reader is in the table that is freed last, by the victim, when a grace period of the page has
 * begun: it is N, and becomes C in the callback in which the victim dies.
 */
function readerVsCallback(name: string, about: string, tables: 2 | 3): Scenario {
  return heapScenario({
    name,
    about,
    rules: ['P2', 'P10'],
    mustSee: ['reader found a table', 'NONE free', 'table handed out'],
    killed: [VICTIM],
    kit: { threads: 3, pages: 1, perPage: tables === 2 ? 2 : 4, lockWaits: { lookMs: 1 } },
    play: (world) => {
      const { kit, threads } = world;
      const [reader, victim, server] = threads as readonly [Thread, Thread, Thread];
      const [first, last] = world.takePage(tables) as [Word, Word];
      const slot = kit.own(0);
      kit.heap.mem.poke(slot, last);
      world.free(victim, first);
      beginGrace(kit.heap);
      const recoverAndTake: Operation = () => {
        const stage = recover(world)([]);
        for (let round = 0; round < 2; round++) world.serve(server, victim)([]);
        // All but that of the reader, if it is not free too early; of two a whole page.
        for (let table = 1; table < tables; table++) {
          if (world.take(server)([]) !== null) world.see('table handed out');
        }
        return stage;
      };
      return {
        threads: [
          [world.readThrough(reader, slot)],
          [world.retract(victim, slot), world.serve(victim, victim)],
          [recoverAndTake],
        ],
      };
    },
  });
}

const readerVsLocked = readerVsCallback(
  'reader-vs-die+callback',
  'A thread dies in the callback of a page that a reader is in: it waits for the reader still.',
  3,
);

const readerVsPrivate = readerVsCallback(
  'reader-vs-die+callback-alone',
  'A thread dies in the callback of a page without a table, that a reader is in still.',
  2,
);

export const FRAG_DEATH_SCENARIOS: readonly Scenario[] = [
  allocLast,
  allocFresh('die+alloc-fresh', false),
  allocFresh('die-vs-alloc+fresh', true),
  allocBoth,
  readerVsLocked,
  readerVsPrivate,
  freedAgain,
  callback,
  callbackAlone,
  recoverAlloc,
  recoverFresh,
  recoverFree,
  recoverCallback,
  freeLast,
  freeOther,
];
