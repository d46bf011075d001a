/**
 * Callbacks that refuse, as one does that can't have a lock: they are put back, several at once,
 * and run once more. And what a barrier does about a batch behind the one that waits.
 */
import { InvariantError } from '../../../core/base/errors.js';
import type { ThreadId } from '../../../core/base/units.js';
import type { Thread } from '../../../core/mem/heap.js';
import {
  type CallbackTable,
  hasCallbacks,
  REFUSED,
  serveQueue,
} from '../../../core/rcu/callback.js';
import { advanceGrace, beginGrace } from '../../../core/rcu/grace-period.js';
import { rcuReadLock, rcuReadUnlock } from '../../../core/rcu/reader.js';
import { tryBarrier } from '../../../core/rcu/wait.js';
import type { Operation } from '../../model/machine.js';
import type { Scenario } from '../../model/scenario.js';
import type { Kit } from '../kit.js';
import { heapScenario } from './actors.js';
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

const putBackTwice = heapScenario({
  name: 'serve-vs-serve+refused',
  about: 'Two threads run callbacks of one queue, and both refuse: both run once more.',
  rules: ['R1', 'L4'],
  mustSee: ['callbacks 0'],
  kit: { threads: 2, pages: 1 },
  callbacks: ({ kit }) => refusingOnce(kit),
  play: ({ kit, threads }) => {
    const [one, two] = threads as Two;
    const table = refusingOnce(kit);
    for (const index of [0, 1]) queue(one, kit, index)([]);
    advanceGrace(kit.heap);
    const serveOne = (thread: Thread): Operation => {
      return () => `callbacks ${serveQueue(thread, table, one.id, 1)}`;
    };
    return {
      threads: [[serveOne(one)], [serveOne(two)]],
      drained: () => ranOnce(kit, 2),
    };
  },
});

/** The steps of a barrier for the first queue, as many as are needed without another's help. */
const STEPS = 4;

const behindBatch = heapScenario({
  name: 'barrier-vs-reader+behind-batch',
  about: 'A barrier waits for what was queued behind the batch that waits for a reader.',
  rules: ['R3'],
  mustSee: ['barrier over', 'barrier waits'],
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
    const ran = (index: number): boolean => kit.heap.mem.peek(kit.own(COUNTS + index)) === 1;
    const steps = (): string => {
      let barrier = { queue: one.id as ThreadId, moved: false };
      for (let step = 0; step < STEPS; step++) {
        const next = tryBarrier(one, table, barrier);
        if (next === null || next.queue !== one.id) {
          if (ran(0) && ran(1)) return 'barrier over';
          throw new InvariantError('R3', 'a barrier ended before a callback had run');
        }
        barrier = next;
      }
      return 'barrier waits';
    };
    return {
      threads: [[steps], [(): void => rcuReadUnlock(two)]],
      atEnd: () => [
        hasCallbacks(kit.heap, one.id) || (ran(0) && ran(1))
          ? null
          : { rule: 'R1', detail: 'a callback is neither queued nor run' },
      ],
      drained: () => ranOnce(kit, 2),
    };
  },
});

export const REFUSED_SCENARIOS: readonly Scenario[] = [putBackTwice, behindBatch];
