/** The page's callback, which comes when it may, and what it meets. */
import type { Word } from '../../../core/base/units.js';
import type { Thread } from '../../../core/mem/heap.js';
import { advanceGrace, beginGrace } from '../../../core/rcu/grace-period.js';
import { type CoreScenario, coreScenario, distinct, freePages, statesOf } from './actors.js';
import { retire } from './frag.js';

type Two = readonly [Thread, Thread];
type Tables = readonly [Word, Word, Word, Word];

/** The last A goes while the callback for another fragment of the page is due. */
function lastFree(
  perPage: number,
  name: string,
  freed: readonly number[],
  kept: number,
  large = false,
): CoreScenario {
  return coreScenario({
    name,
    about: `The last table of a page of ${perPage} is freed while the page's callback runs.`,
    rules: ['P3', 'P4', 'P5', 'P6', 'H7'],
    mustSee: ['callbacks 1', 'page returned', 'page waits'],
    large,
    kit: { threads: 2, pages: 1, perPage },
    play: (world) => {
      const { kit, see, threads } = world;
      const [one, two] = threads as Two;
      const tables = world.takePage(perPage);
      tables.forEach((table, index) => {
        if (index !== kept && !freed.includes(index)) world.free(one, table);
      });
      world.serveAll(one);
      for (const index of freed) world.free(two, tables[index] as Word);
      advanceGrace(kit.heap);
      return {
        threads: [
          [world.drop(one, tables[kept] as Word)],
          [world.serve(two, two), world.serve(two, two)],
        ],
        atEnd: () => {
          see(freePages(kit) === 1 ? 'page returned' : 'page waits');
          return [];
        },
      };
    },
  });
}

const callbackVsCallback = coreScenario({
  name: 'callback-vs-callback+one-page',
  about: 'C and N of a page take two rounds; two threads run them, the second as early as it may.',
  rules: ['P3', 'P7', 'P9', 'P10', 'H2'],
  mustSee: ['page returned', 'callbacks 1', 'callbacks 0'],
  kit: { threads: 2, pages: 1 },
  play: (world) => {
    const { kit, see, threads } = world;
    const [one, two] = threads as Two;
    const tables = world.takePage(2) as unknown as Tables;
    world.free(one, tables[0]);
    beginGrace(kit.heap);
    world.free(one, tables[1]);
    return {
      threads: [
        [world.serve(one, one), world.serve(one, one)],
        [world.serve(two, one), world.serve(two, two)],
      ],
      atEnd: () => {
        see(freePages(kit) === 1 ? 'page returned' : statesOf(kit, tables[0]));
        return [];
      },
    };
  },
});

const pendingHead = coreScenario({
  name: 'alloc-vs-callback+pending-page',
  about: 'A page that waits for a grace period does not keep the usable ones behind it from use.',
  rules: ['H8', 'P4', 'P9'],
  mustSee: ['callbacks 1', 'pending page used too', 'fresh page'],
  kit: { threads: 2, pages: 3 },
  play: (world) => {
    const { see, threads } = world;
    const [one, two] = threads as Two;
    const tables = world.takePage(4) as unknown as Tables;
    world.free(one, tables[3]);
    world.serveAll(one);
    world.free(one, tables[1]);
    return {
      threads: [[world.serve(one, one)], [world.take(two), world.take(two)]],
      atEnd: (results) => {
        const taken = results[1] ?? [];
        see(taken.includes(tables[1]) ? 'pending page used too' : 'fresh page');
        if (taken.includes(tables[3])) return [distinct(taken)];
        return [{ rule: 'H8', detail: 'a free fragment was passed over for a pending page' }];
      },
    };
  },
});

const listedVsCallback = coreScenario({
  name: 'free-vs-callback+listed',
  about: 'The last table of a listed page is freed; its callback may come before the free is over.',
  rules: ['P3', 'P4', 'P6'],
  mustSee: ['callbacks 1', 'callbacks 0', 'page returned', 'page waits'],
  kit: { threads: 2, pages: 1 },
  play: (world) => {
    const { kit, see, threads } = world;
    const [one, two] = threads as Two;
    const table = world.takeOne(one);
    return {
      threads: [[world.drop(one, table)], [world.serve(two, one), world.serve(two, one)]],
      atEnd: () => {
        see(freePages(kit) === 1 ? 'page returned' : 'page waits');
        return [];
      },
    };
  },
});

const takenAgain = coreScenario({
  name: 'alloc-vs-callback+taken-again',
  about: 'The fragment that a callback is about to list the page by is handed out meanwhile.',
  rules: ['P1', 'P4', 'H4'],
  mustSee: ['callbacks 1', 'AAAA', 'AAAF'],
  kit: { threads: 2, pages: 2, perPage: 4 },
  play: (world) => {
    const { kit, see, threads } = world;
    const [one, two] = threads as Two;
    const tables = world.takePage(3) as unknown as Tables;
    retire(world, two, tables[2]);
    advanceGrace(kit.heap);
    return {
      threads: [[world.take(one), world.take(one)], [world.serve(two, two)]],
      atEnd: (results) => {
        see(statesOf(kit, tables[0]));
        return [distinct([tables[0], tables[1], ...(results[0] ?? [])])];
      },
    };
  },
});

const rescue = coreScenario({
  name: 'alloc-vs-callback+rescue',
  about: 'A page of which no table is left becomes all free while another thread allocates.',
  rules: ['P1', 'P3', 'P6'],
  mustSee: ({ rescues }) => ['callbacks 1', 'another page', ...(rescues ? ['same page'] : [])],
  kit: { threads: 2, pages: 2 },
  play: (world) => {
    const { kit, see, threads } = world;
    const [one, two] = threads as Two;
    const table = world.takeOne(one);
    world.free(two, table);
    advanceGrace(kit.heap);
    return {
      threads: [[world.take(one)], [world.serve(two, two)]],
      atEnd: (results) => {
        see(results[0]?.[0] === table + kit.fragmentWords ? 'same page' : 'another page');
        return [];
      },
    };
  },
});

/** All tables of a page but the first wait for their callback. */
function allAtOnce(name: string, perPage: number, large: boolean): CoreScenario {
  return coreScenario({
    name,
    about: 'One thread allocates from a page, one frees its last table, one runs its callback.',
    rules: ['P1', 'P3', 'P4', 'P6', 'H2'],
    mustSee: ['callbacks 1', 'page reused', 'no page'],
    large,
    kit: { threads: 3, pages: 1, perPage },
    play: (world) => {
      const { kit, see, threads } = world;
      const [one, two, three] = threads as [Thread, Thread, Thread];
      const tables = world.takePage(perPage);
      for (const table of tables.slice(1)) world.free(three, table);
      advanceGrace(kit.heap);
      return {
        threads: [
          [world.take(one)],
          [world.drop(two, tables[0] as Word)],
          [world.serve(three, three)],
        ],
        atEnd: (results) => {
          see(results[0]?.[0] === null ? 'no page' : 'page reused');
          return [];
        },
      };
    },
  });
}

export const CALLBACK_SCENARIOS: readonly CoreScenario[] = [
  lastFree(2, 'last-free-vs-callback+two', [1], 0),
  lastFree(4, 'last-free-vs-callback+four', [1, 2], 0),
  lastFree(32, 'last-free-vs-callback+two-words', [20], 3),
  lastFree(32, 'last-free-vs-callback+second-word', [3], 20),
  callbackVsCallback,
  pendingHead,
  allAtOnce('alloc-vs-free-vs-callback+one-page', 4, false),
  allAtOnce('alloc-vs-free-vs-callback+two-words', 32, true),
  listedVsCallback,
  takenAgain,
  rescue,
];
