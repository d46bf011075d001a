/**
 * Threads that die at any moment: what they leave is put in order by others, who act in their name,
 * and nothing is lost. Whoever puts it in order may die of it too.
 */
import type { Pfn } from '../../../core/base/units.js';
import { at } from '../../../core/base/units.js';
import type { Thread } from '../../../core/mem/heap.js';
import { THREAD } from '../../../core/mem/layout.js';
import { threadInside } from '../../../core/mem/lock.js';
import { returnPages, SUPPLY_LOCK, takePages } from '../../../core/mem/supply.js';
import { checkSupply, type Violation } from '../../../core/mem/supply-check.js';
import { repairSupply } from '../../../core/mem/supply-repair.js';
import type { Operation } from '../../model/program.js';
import type { Scenario, Stage } from '../../model/scenario.js';
import { type Kit, kitScenario } from '../kit.js';

/** Takes a page, and returns it. */
function takeAndReturn(thread: Thread): readonly Operation[] {
  return [
    () => takePages(thread, 0),
    ([pfn]) => {
      if (pfn !== null) returnPages(thread, pfn as Pfn, () => undefined);
    },
  ];
}

/** Where a thread died, for `mustSee`. */
function seeSupply({ see }: Stage, { mem, id, record }: Thread): void {
  const isInside = threadInside(mem.load(SUPPLY_LOCK)) === id;
  const hand = mem.peek(at(record, THREAD.HAND));
  const holding = hand === 0 ? 'with nothing' : hand > 0 ? 'taking' : 'returning';
  see(`died ${isInside ? 'inside' : 'outside'} ${holding}`);
}

/** The first thread dies. Behind the others come those who recover; all but the last may die. */
function supplyDeath(
  name: string,
  about: string,
  { threads, recoverers }: { readonly threads: 1 | 2; readonly recoverers: number },
): Scenario {
  return kitScenario({
    name,
    about,
    rules: ['S1', 'S2', 'P6', 'L2'],
    mustSee: ['died inside taking', 'died inside returning', 'died outside taking', 'in order'],
    killed: [0, ...Array.from({ length: recoverers - 1 }, (_, at) => threads + at)],
    // Whoever dies between letting go of a lock and waking who sleeps for it wakes nobody.
    kit: { threads, pages: 4, others: recoverers, lockWaits: { lookMs: 1 } },
    threads: (kit, stage) => {
      const dead = kit.threads[0] as Thread;
      const recover = (at: number): Operation => {
        return () => {
          for (let other = threads; other < threads + at; other++) stage.kill(other);
          stage.kill(0);
          if (at === 0) seeSupply(stage, dead);
          return repairSupply(dead);
        };
      };
      return [
        takeAndReturn(dead),
        ...kit.threads.slice(1).map((thread) => [() => takePages(thread, 1)]),
        ...Array.from({ length: recoverers }, (_, at) => [recover(at)]),
      ];
    },
    atEnd: (kit, results, stage) => checkTaken(kit, results, stage),
  });
}

/** Only what the thread behind the dead one has taken is out. */
function checkTaken(
  { heap, threads }: Kit,
  results: readonly (readonly unknown[])[],
  { see }: Stage,
): Violation[] {
  const found: Violation[] = [];
  const taken = results.slice(1, threads.length).flat();
  const out = checkSupply(heap, found).map(({ pfn }) => pfn);
  for (const pfn of out) {
    if (!taken.includes(pfn)) found.push({ rule: 'P6', detail: `page ${pfn} is lost` });
  }
  for (const pfn of taken) {
    if (pfn === null || out.includes(pfn as Pfn)) continue;
    found.push({ rule: 'P1', detail: `page ${pfn} was taken, and is in the supply` });
  }
  if (found.length === 0) see('in order');
  return found;
}

export const DEATH_SCENARIOS: readonly Scenario[] = [
  supplyDeath(
    'die-vs-take+supply',
    'A thread dies while it takes a page of a block that it splits, or returns it to its buddies.',
    { threads: 2, recoverers: 1 },
  ),
  supplyDeath(
    'die-vs-recover+supply',
    'The thread that puts the supply in order dies of it, and another begins again.',
    { threads: 1, recoverers: 2 },
  ),
];
