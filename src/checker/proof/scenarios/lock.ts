/**
 * The lock and the page supply.
 *
 *   L1  between acquire and release a thread is alone
 *   L2  whoever waits for a lock gets it, if all holders let go
 *   L3  whoever waits when a rule was found broken is told
 *   L4  see stall.ts
 *   S1, S2  see mem/supply.ts
 */
import { InvariantError } from '../../../core/base/errors.js';
import type { MmId, Pfn, Word } from '../../../core/base/units.js';
import { headerWord, mmRecord, type Thread } from '../../../core/mem/heap.js';
import { HEAP } from '../../../core/mem/layout.js';
import { acquire, breakRule, release, SLEEPERS } from '../../../core/mem/lock.js';
import {
  growSupply,
  returnPages,
  SUPPLY_LOCK,
  supplyCounts,
  takePages,
} from '../../../core/mem/supply.js';
import { checkSupply, type Violation } from '../../../core/mem/supply-check.js';
import type { Operation } from '../../model/program.js';
import type { Scenario } from '../../model/scenario.js';
import { type Kit, type KitOptions, kitScenario } from '../kit.js';

/** Adds 1 under the lock, plainly: two threads inside at once are a data race, and lose a count. */
function addUnderLock(thread: Thread, lock: Word, word: Word): Operation {
  return () => {
    const { mem } = thread;
    acquire(thread, lock);
    const before = mem.peek(word);
    mem.poke(word, before + 1);
    release(thread, lock);
    return before;
  };
}

function lockOf(kit: Kit): Word {
  return mmRecord(kit.heap, 0 as MmId);
}

function counting(
  name: string,
  about: string,
  options: KitOptions,
  rounds: number,
  earlyReturns = 0,
): Scenario {
  return kitScenario({
    name,
    earlyReturns,
    about,
    rules: ['L1', 'L2'],
    mustSee: Array.from({ length: options.threads }, (_, thread) => `thread ${thread} first`),
    kit: options,
    threads: (kit) =>
      kit.threads.map((thread) =>
        Array.from({ length: rounds }, () => addUnderLock(thread, lockOf(kit), kit.own(0))),
      ),
    atEnd: (kit, results, stage) => {
      results.forEach((own, thread) => {
        if (own[0] === 0) stage.see(`thread ${thread} first`);
      });
      const count = kit.heap.mem.peek(kit.own(0));
      const expected = options.threads * rounds;
      if (count === expected) return [];
      return [{ rule: 'L1', detail: `${count} additions of ${expected} under the lock` }];
    },
  });
}

/** Thread 0 finds a rule broken under a lock for which the others wait. */
function brokenVsWaiters(
  where: string,
  about: string,
  threads: number,
  lock: (kit: Kit) => Word,
): Scenario {
  return kitScenario({
    name: `broken-vs-waiters+${where}`,
    about,
    rules: ['L3'],
    mustSee: ['waiter told', 'waiter was first'],
    kit: { threads, pages: 1 },
    threads: (kit, { see }) =>
      kit.threads.map((thread, id) => [
        (): string => {
          try {
            acquire(thread, lock(kit));
            if (id === 0) breakRule(kit.heap, 6, 'planted');
            release(thread, lock(kit));
          } catch (error) {
            if (!(error instanceof InvariantError)) throw error;
            if (id !== 0) see('waiter told');
            return 'told';
          }
          see('waiter was first');
          return 'passed';
        },
      ]),
  });
}

const killedWaiter = kitScenario({
  name: 'killed-waiter-vs-waiter+one-lock',
  about:
    'A thread is killed once it was woken for a lock: the next waiter gets the lock all the same.',
  rules: ['L1', 'L2'],
  mustSee: ['killed when it was woken', 'came too late to wait', 'got the lock'],
  kit: { threads: 3, pages: 1, lockWaits: { lookMs: 1 } },
  threads: (kit, { see }) => {
    const [holder, killed, waiter] = kit.threads as [Thread, Thread, Thread];
    const lock = lockOf(kit);
    return [
      [addUnderLock(holder, lock, kit.own(0))],
      [
        (): void => {
          const { mem } = killed;
          // As far as a waiter gets: the bit for sleepers is set, and it sleeps until it is woken.
          const seen = mem.load(lock);
          const slept = seen > 0 && mem.cas(lock, seen, seen | SLEEPERS) === seen;
          if (slept) mem.awaitChange(lock, seen | SLEEPERS, 1);
          see(slept ? 'killed when it was woken' : 'came too late to wait');
        },
      ],
      [addUnderLock(waiter, lock, kit.own(0)), (): void => see('got the lock')],
    ];
  },
});

function supplyScenario(
  name: string,
  about: string,
  mustSee: readonly string[],
  play: (kit: Kit) => readonly (readonly Operation[])[],
  kit: KitOptions = { threads: 2, pages: 4 },
): Scenario {
  return kitScenario({
    name,
    about,
    rules: ['S1', 'S2', 'L1'],
    mustSee,
    kit,
    threads: (kit) => play(kit),
    atEnd: (kit, results, stage) => {
      const found: Violation[] = [];
      const out = checkSupply(kit.heap, found);
      const taken = results.flat().filter((result) => result !== undefined);
      stage.see(`${out.length} out`);
      stage.see(`${kit.heap.mem.peek(headerWord(HEAP.FREE_PAGES))} free`);
      for (const pfn of taken) stage.see(`took ${pfn ?? 'none'}`);
      return found;
    },
  });
}

/** Takes a block and writes its first page, as its owner may. */
function takeBlock(thread: Thread, order: number): Operation {
  return () => {
    const pfn = takePages(thread, order);
    if (pfn !== null) writePage(thread, pfn);
    return pfn;
  };
}

function writePage({ heap, mem }: Thread, pfn: Pfn): void {
  mem.poke((heap.pagesAt + 2 ** heap.pageShift * pfn) as Word, pfn);
}

function giveBack(thread: Thread, pfn: Pfn): Operation {
  return () => {
    writePage(thread, pfn);
    returnPages(thread, pfn, () => undefined);
  };
}

const takeVsTake = supplyScenario(
  'take-vs-take+one-block',
  'Two takers split one block and get different pages.',
  ['2 out', '1 free', 'took 0', 'took 2'],
  ({ threads: [one, two] }) => [[takeBlock(one as Thread, 0)], [takeBlock(two as Thread, 1)]],
);

const takeVsReturn = supplyScenario(
  'take-vs-return+last-block',
  'A page that is returned is there for a taker, or the taker gets none.',
  ['3 out', 'took 3', 'took none'],
  ({ threads: [one, two] }) => {
    const pages = [0, 1, 2, 3].map(() => takePages(one as Thread, 0) as Pfn);
    const last = pages[3] as Pfn;
    return [
      [giveBack(one as Thread, last)],
      [
        takeBlock(two as Thread, 0),
        (results) => {
          if (results[0] !== null) giveBack(two as Thread, results[0] as Pfn)([]);
        },
      ],
    ];
  },
);

const returnVsReturn = supplyScenario(
  'return-vs-return+buddies',
  'Two buddies that are returned at once become one block, once.',
  ['0 out', '4 free'],
  ({ threads: [one, two] }) => {
    const pages = [0, 1, 2, 3].map(() => takePages(one as Thread, 0) as Pfn);
    return [
      [giveBack(one as Thread, pages[0] as Pfn), giveBack(one as Thread, pages[3] as Pfn)],
      [giveBack(two as Thread, pages[1] as Pfn), giveBack(two as Thread, pages[2] as Pfn)],
    ];
  },
);

const growVsTake = supplyScenario(
  'grow-vs-take+supply',
  'The supply grows while a thread takes a page: it gets one, old or new, and all are counted.',
  ['1 out', '3 free', 'took 0'],
  ({ threads: [one, two] }) => [
    [(): void => void growSupply(one as Thread, 2)],
    [takeBlock(two as Thread, 0)],
  ],
  { threads: 2, pages: 4, sparePages: 2 },
);

const growVsGrow = supplyScenario(
  'grow-vs-grow+supply',
  'Two threads let the supply grow at once: what both bring is there.',
  ['0 out', '4 free'],
  ({ threads }) => threads.map((thread) => [(): void => void growSupply(thread, 1)]),
  { threads: 2, pages: 4, sparePages: 2 },
);

/** Both numbers are of one moment: a page that is out is not free. */
const countVsTake = supplyScenario(
  'count-vs-take+supply',
  'One asks how many pages are free while another takes one: before it, or after.',
  ['took 4 of 4', 'took 3 of 4', '1 out'],
  ({ threads: [one, two] }) => [
    [takeBlock(one as Thread, 0)],
    [
      (): string => {
        const { free, limit } = supplyCounts(two as Thread);
        return `${free} of ${limit}`;
      },
    ],
  ],
);

export const LOCK_SCENARIOS: readonly Scenario[] = [
  counting(
    'holder-vs-holder+one-lock',
    'Two threads count under one lock, twice each: no count and no wake-up is lost.',
    { threads: 2, pages: 1 },
    2,
  ),
  counting(
    'holder-vs-holder+early-return',
    'The same, once each, where a wait may return though nothing has woken it.',
    { threads: 2, pages: 1 },
    1,
    2,
  ),
  counting(
    'holder-vs-spinner+one-lock',
    'The same where a waiter tries again before it sleeps.',
    { threads: 2, pages: 1, spins: 1 },
    2,
  ),
  counting(
    'three-holders+one-lock',
    'Three threads count under one lock; whoever sleeps is woken, also the second sleeper.',
    { threads: 3, pages: 1 },
    1,
  ),
  killedWaiter,
  brokenVsWaiters(
    'one-lock',
    'A thread that finds a broken rule stops; those that wait for its lock do not wait on.',
    3,
    lockOf,
  ),
  brokenVsWaiters('supply', 'The same where they wait for the supply.', 2, () => SUPPLY_LOCK),
  brokenVsWaiters('mms', 'The same where they wait for the table of mms.', 2, () =>
    headerWord(HEAP.MM_TABLE_LOCK),
  ),
];

export const SUPPLY_SCENARIOS: readonly Scenario[] = [
  takeVsTake,
  takeVsReturn,
  returnVsReturn,
  growVsTake,
  growVsGrow,
  countVsTake,
];
