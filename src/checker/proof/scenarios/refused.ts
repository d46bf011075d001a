/**
 * Callbacks that refuse, as one does that can't have a lock: they are put back, several at once,
 * and run once more. And what a barrier does about a batch behind the one that waits.
 */
import { InvariantError } from '../../../core/base/errors.js';
import type { Thread } from '../../../core/mem/heap.js';
import { type CallbackTable, REFUSED, serveQueue } from '../../../core/rcu/callback.js';
import { advanceGrace, beginGrace } from '../../../core/rcu/grace-period.js';
import { hasCallbacks } from '../../../core/rcu/queue.js';
import { rcuReadLock, rcuReadUnlock } from '../../../core/rcu/reader.js';
import { type Barrier, tryBarrier } from '../../../core/rcu/wait.js';
import type { Operation } from '../../model/program.js';
import type { Scenario } from '../../model/scenario.js';
import type { Kit } from '../kit.js';
import { type Body, heapScenario } from './actors.js';
import { COUNTS, counting, headOf, queue, ranOnce, serveWith, X } from './heads.js';

type Two = readonly [Thread, Thread];

/** Each head's callback refuses once, and counts when it runs once more. */
function refusingOnce(kit: Kit): CallbackTable {
  const [count] = counting(kit);
  return [
    (thread, head): unknown => {
      const { mem } = thread;
      const bit = head === headOf(kit, 0) ? 1 : 2;
      if ((mem.or(kit.own(X), bit) & bit) === 0) return REFUSED;
      return count?.(thread, head);
    },
  ];
}

/** Two threads run a callback each of one queue, after so many that were run before. */
function refusals(
  facts: Pick<Body, 'name' | 'about' | 'mustSee'>,
  heads: number,
  before: number,
): Scenario {
  return heapScenario({
    ...facts,
    rules: ['R1', 'L4'],
    kit: { threads: 2, pages: 1 },
    callbacks: ({ kit }) => refusingOnce(kit),
    play: ({ kit, threads }) => {
      const [one, two] = threads as Two;
      const table = refusingOnce(kit);
      for (let index = 0; index < heads; index++) queue(one, kit, index)([]);
      advanceGrace(kit.heap);
      const serveOne = (thread: Thread): Operation => {
        return () => `callbacks ${serveQueue(thread, table, one.id, 1)}`;
      };
      for (let run = 0; run < before; run++) serveOne(one)([]);
      return {
        threads: [[serveOne(one)], [serveOne(two)]],
        drained: () => ranOnce(kit, heads),
      };
    },
  });
}

const putBackTwice = refusals(
  {
    name: 'serve-vs-serve+refused',
    about: 'Two threads run callbacks of one queue, and both refuse: both run once more.',
    mustSee: ['callbacks 0'],
  },
  2,
  0,
);

const takenAgain = refusals(
  {
    name: 'serve-vs-serve+refused-before',
    about: 'What refused before is taken again while another callback of the queue refuses.',
    mustSee: ['callbacks 0', 'callbacks 1'],
  },
  2,
  1,
);

/** Looks whether a queue has something in it, as who decides whether to poll does. */
const lookedAt = heapScenario({
  name: 'look-vs-serve+refused-before',
  about: 'What refused before is taken again while another looks whether the queue is empty.',
  rules: ['R1'],
  mustSee: ['callbacks 1', 'empty', 'not empty'],
  kit: { threads: 2, pages: 1 },
  callbacks: ({ kit }) => refusingOnce(kit),
  play: ({ kit, threads }) => {
    const [one, two] = threads as Two;
    const serve = serveWith(one, one, refusingOnce(kit));
    queue(one, kit, 0)([]);
    advanceGrace(kit.heap);
    serve([]);
    const look = (): string => (hasCallbacks(two.heap, one.id) ? 'not empty' : 'empty');
    return { threads: [[serve], [look]], drained: () => ranOnce(kit, 1) };
  },
});

/**
 * So many steps of a barrier for the first queue, whose batch waits for a grace period that a
 * reader holds up, with another callback behind it.
 */
function behindBatch(
  facts: Pick<Body, 'name' | 'about' | 'mustSee'>,
  steps: number,
  meanwhile: (two: Thread, serve: Operation) => Operation,
): Scenario {
  return heapScenario({
    ...facts,
    rules: ['R3'],
    kit: { threads: 2, pages: 1 },
    callbacks: ({ kit }) => counting(kit),
    play: ({ kit, threads }) => {
      const [one, two] = threads as Two;
      const table = counting(kit);
      queue(one, kit, 0)([]);
      rcuReadLock(two);
      beginGrace(kit.heap);
      serveWith(one, one, table)([]);
      queue(one, kit, 1)([]);
      const other = meanwhile(two, serveWith(two, one, table));
      const ran = (index: number): boolean => one.mem.peek(kit.own(COUNTS + index)) === 1;
      const waits = (): string => {
        let barrier: Barrier = { queue: one.id, moved: false, left: 0 };
        for (let step = 0; step < steps; step++) {
          const next = tryBarrier(one, table, barrier);
          if (next?.queue === one.id) barrier = next;
          else if (ran(0) && ran(1)) return 'barrier over';
          else throw new InvariantError('R3', 'a barrier ended before a callback had run');
        }
        return 'barrier waits';
      };
      return { threads: [[waits], [other]], drained: () => ranOnce(kit, 2) };
    },
  });
}

const barrierVsReader = behindBatch(
  {
    name: 'barrier-vs-reader+behind-batch',
    about: 'A barrier waits for what was queued behind the batch that waits for a reader.',
    mustSee: ['barrier over', 'barrier waits'],
  },
  4,
  (two) => () => rcuReadUnlock(two),
);

const barrierVsServe = behindBatch(
  {
    name: 'barrier-vs-serve+behind-batch',
    about: 'The same where another thread takes what is behind, while the barrier looks.',
    mustSee: ['barrier waits', 'callbacks 0', 'callbacks 1'],
  },
  1,
  (two, serve) => {
    rcuReadUnlock(two);
    return serve;
  },
);

export const REFUSED_SCENARIOS: readonly Scenario[] = [
  putBackTwice,
  takenAgain,
  lookedAt,
  barrierVsReader,
  barrierVsServe,
];
