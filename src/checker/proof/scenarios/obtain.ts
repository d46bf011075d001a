/**
 * Out of something, or only not yet: what was freed before an attempt began is found, sooner or
 * later, by whoever waits for it; and who finds nothing is told so in the end.
 */
import { InvariantError } from '../../../core/base/errors.js';
import type { Word } from '../../../core/base/units.js';
import type { Thread } from '../../../core/mem/heap.js';
import type { CallbackTable } from '../../../core/rcu/callback.js';
import { advanceGrace } from '../../../core/rcu/grace-period.js';
import {
  beginObtaining,
  type Obtained,
  type Obtaining,
  tryObtain,
} from '../../../core/rcu/obtain.js';
import { blockUntil, rcuBarrier } from '../../../core/rcu/wait.js';
import type { Operation } from '../../model/program.js';
import type { Scenario } from '../../model/scenario.js';
import { freePages, heapScenario, type World } from './actors.js';
import { queue, serveWith, telling, Y } from './heads.js';

/** Callbacks of one queue that run in one go, at most. */
const BATCH_MAX = 4;

/** Tries, and waits, until it has something or is told that there is nothing. */
function obtain<Result>(
  { see }: World,
  thread: Thread,
  table: CallbackTable,
  attempt: () => Result | null,
): Result | null {
  const stepFrom = (at: Obtaining): Obtained<Result> =>
    tryObtain(thread, table, BATCH_MAX, at, attempt);
  let step = stepFrom(beginObtaining());
  const isOver = (): boolean => step.kind !== 'waits';
  blockUntil(thread, isOver, () => {
    if (step.kind !== 'waits') return;
    see('waits');
    step = stepFrom(step.next);
  });
  return step.kind === 'found' ? step.result : null;
}

const NOT_BACK = 'a barrier ended before a page came back that had been freed';

const IN_VAIN = 'nothing was found that had been freed before';

/** It must be there: it was freed before. */
function obtains(world: World, thread: Thread, attempt: () => unknown): Operation {
  return () => {
    if (obtain(world, thread, world.core.callbacks, attempt) !== null) return 'found';
    throw new InvariantError('R4', IN_VAIN);
  };
}

/** Two steps, which don't wait for each other: the second is as if a thread had slept too long. */
function twoSteps(thread: Thread, table: CallbackTable, attempt: () => unknown): Operation[] {
  const step = (from: Obtaining): Obtaining | string => {
    const { kind, ...rest } = tryObtain(thread, table, BATCH_MAX, from, attempt);
    if (kind === 'in-vain') throw new InvariantError('R4', IN_VAIN);
    return 'next' in rest ? rest.next : 'found';
  };
  const first = (): Obtaining | string => step(beginObtaining());
  const second = ([from]: readonly unknown[]): string => {
    const then = typeof from === 'string' ? from : step(from as Obtaining);
    return typeof then === 'string' ? then : 'waits';
  };
  return [first, second];
}

/** Takes a table of a heap whose only page is full. */
function taking(world: World, thread: Thread): () => unknown {
  return () => world.take(thread)([]);
}

const tableOfReader = heapScenario({
  name: 'obtain-vs-reader+table',
  about: 'The only free table waits for a reader: who waits for a table gets it.',
  rules: ['R4', 'P1', 'P2', 'P9'],
  mustSee: ['found', 'waits', 'reader found a table', 'reader found nothing'],
  kit: { threads: 2, pages: 1 },
  play: (world) => {
    const { kit } = world;
    const [one, two] = world.threads as [Thread, Thread];
    const [first] = world.takePage(2) as [Word, Word];
    const slot = kit.own(0);
    one.mem.store(slot, first);
    return {
      threads: [
        [world.retract(one, slot), obtains(world, one, taking(world, one))],
        [world.readThrough(two, slot)],
      ],
    };
  },
});

/** A word that a callback sets: what stands for a page that comes back. */
function comesBack({ kit }: World, thread: Thread): () => number | null {
  return () => thread.mem.load(kit.own(Y)) || null;
}

const inOtherQueue = heapScenario({
  name: 'obtain-vs-callback+other-queue',
  about: 'What is missing is in the queue of a thread that runs its callbacks itself, or not.',
  rules: ['R4', 'P9'],
  mustSee: ['found', 'waits', 'callbacks 1', 'callbacks 0'],
  kit: { threads: 2, pages: 1 },
  callbacks: (world) => telling(world.kit),
  play: (world) => {
    const [one, two] = world.threads as [Thread, Thread];
    const table = telling(world.kit);
    queue(two, world.kit, 0)([]);
    return {
      threads: [twoSteps(one, table, comesBack(world, one)), [serveWith(two, two, table)]],
    };
  },
});

const none = heapScenario({
  name: 'obtain-vs-free+all-in-use',
  about: 'All is in use: who asks is told so, or gets what is freed meanwhile.',
  rules: ['R4', 'P9'],
  mustSee: ['found', 'in vain'],
  kit: { threads: 2, pages: 1 },
  callbacks: (world) => telling(world.kit),
  play: (world) => {
    const [one, two] = world.threads as [Thread, Thread];
    const asks = (): string => {
      const found = obtain(world, one, telling(world.kit), comesBack(world, one));
      return found === null ? 'in vain' : 'found';
    };
    return { threads: [[asks], [queue(two, world.kit, 0)]] };
  },
});

const putOff = heapScenario({
  name: 'barrier-vs-reader+put-off',
  about: 'A callback puts its page off into a queue that the barrier is done with: it comes back.',
  rules: ['R3', 'P10'],
  mustSee: ['reader found nothing'],
  kit: { threads: 2, pages: 1 },
  play: (world) => {
    const { kit, core } = world;
    const [one, two] = world.threads as [Thread, Thread];
    const [first, second] = world.takePage(2) as [Word, Word];
    // In the queue of the second thread; whoever runs the callback has the page next.
    world.free(two, first);
    advanceGrace(kit.heap);
    world.free(two, second);
    const waits = (): void => rcuBarrier(one, core.callbacks);
    return {
      threads: [[waits], [world.readThrough(two, kit.own(0))]],
      atEnd: () => [freePages(kit) === 1 ? null : { rule: 'R3', detail: NOT_BACK }],
    };
  },
});

export const OBTAIN_SCENARIOS: readonly Scenario[] = [tableOfReader, inOtherQueue, none, putOff];
