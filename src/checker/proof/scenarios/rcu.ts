/**
 * Callbacks, their queues, and barriers.
 *
 *   R1  a callback runs once, and never together with another of the same head
 *   R2  not before a grace period that began after it was queued: see grace.ts
 *   R3  a barrier ends only when every callback queued before it has run
 */
import { InvariantError } from '../../../core/base/errors.js';
import type { Thread } from '../../../core/mem/heap.js';
import { attachThread, detachThread } from '../../../core/rcu/attach.js';
import {
  type CallbackTable,
  callRcu,
  poll,
  pollAll,
  serveQueue,
} from '../../../core/rcu/callback.js';
import { advanceGrace, beginGrace } from '../../../core/rcu/grace-period.js';
import { rcuReadLock, rcuReadUnlock } from '../../../core/rcu/reader.js';
import { blockUntil, waitForCallbacks } from '../../../core/rcu/wait.js';
import type { Operation } from '../../model/program.js';
import type { Scenario } from '../../model/scenario.js';
import type { Kit, KitOptions } from '../kit.js';
import { type Body, heapScenario, type World } from './actors.js';
import { COUNTS, counting, headOf, queue, ranOnce, serveWith } from './heads.js';

type Two = readonly [Thread, Thread];

const EPOCH: KitOptions = { threads: 2, pages: 1 };

interface CountingBody extends Pick<Body, 'name' | 'about' | 'mustSee' | 'kit' | 'large'> {
  readonly rules?: readonly string[];
  readonly heads: number;
  readonly threads: (world: World, table: CallbackTable) => readonly (readonly Operation[])[];
}

function countingScenario({
  heads,
  threads,
  rules = ['R1', 'H2'],
  ...rest
}: CountingBody): Scenario {
  return heapScenario({
    ...rest,
    rules,
    callbacks: (world) => counting(world.kit),
    play: (world) => ({
      threads: threads(world, counting(world.kit)),
      drained: () => ranOnce(world.kit, heads),
    }),
  });
}

const twoPollers = countingScenario({
  name: 'poll-vs-poll+one-queue',
  about: 'Two threads poll where one callback is due: it runs once.',
  mustSee: ['callbacks 1', 'callbacks 0'],
  kit: EPOCH,
  heads: 1,
  threads: ({ kit, threads }, table) => {
    const [one, two] = threads as Two;
    queue(one, kit, 0)([]);
    const pollOnce =
      (thread: Thread): Operation =>
      () =>
        `callbacks ${poll(thread, table, 4)}`;
    return [
      [pollOnce(one), pollOnce(one)],
      [pollOnce(two), pollOnce(two)],
    ];
  },
});

const pushVsTake = countingScenario({
  name: 'push-vs-take+one-queue',
  about: 'A thread queues a callback while another takes what is in that queue: none is lost.',
  mustSee: ['callbacks 1', 'callbacks 2'],
  kit: EPOCH,
  heads: 3,
  threads: ({ kit, threads }, table) => {
    const [one, two] = threads as Two;
    queue(one, kit, 0)([]);
    return [
      [queue(one, kit, 1), queue(one, kit, 2)],
      [serveWith(two, one, table), serveWith(two, one, table)],
    ];
  },
});

const takeVsTake = countingScenario({
  name: 'serve-vs-serve+batch',
  about: 'Two threads take from a queue whose batch is larger than what one takes at a time.',
  mustSee: ['callbacks 1', 'callbacks 0'],
  kit: EPOCH,
  heads: 3,
  threads: ({ kit, threads }, table) => {
    const [one, two] = threads as Two;
    for (const index of [0, 1, 2]) queue(one, kit, index)([]);
    advanceGrace(kit.heap);
    const serveOne = (thread: Thread): Operation => {
      return () => `callbacks ${serveQueue(thread, table, one.id, 1)}`;
    };
    return [[serveOne(one), serveOne(one)], [serveOne(two)]];
  },
});

const detached = countingScenario({
  name: 'detach-vs-poll+left-queue',
  about: 'A thread queues, leaves, and another gets its record: its callbacks run all the same.',
  mustSee: ['callbacks 1', 'callbacks 2', 'callbacks 0'],
  kit: EPOCH,
  heads: 2,
  threads: ({ kit, threads }, table) => {
    const [one, two] = threads as Two;
    queue(one, kit, 0)([]);
    return [
      [
        (): void => detachThread(one),
        (): Thread => attachThread(kit.heap, 'epoch', kit.lockWaits),
        (results): void => callRcu(results[1] as Thread, headOf(kit, 1), 0),
      ],
      [serveWith(two, one, table), serveWith(two, one, table)],
    ];
  },
});

/** What a barrier promises: the callbacks' plain writes are done and visible. */
function barrier(thread: Thread, kit: Kit, heads: number, table: CallbackTable): Operation {
  return () => {
    // One of the two that `rcuBarrier` is: who is out of memory waits for one at a time.
    blockUntil(thread, waitForCallbacks(thread, table, 1).isOver);
    for (let index = 0; index < heads; index++) {
      if (thread.mem.peek(kit.own(COUNTS + index)) === 1) continue;
      throw new InvariantError('R3', `a barrier ended before callback ${index} had run`);
    }
    return 'barrier over';
  };
}

const barrierVsCallback = countingScenario({
  name: 'barrier-vs-callback+other-thread',
  about: 'A barrier waits for a callback that another thread is running.',
  rules: ['R3'],
  mustSee: ['barrier over', 'callbacks 1', 'callbacks 0'],
  kit: EPOCH,
  heads: 1,
  threads: ({ kit, threads }, table) => {
    const [one, two] = threads as Two;
    queue(two, kit, 0)([]);
    advanceGrace(kit.heap);
    return [[barrier(one, kit, 1, table)], [serveWith(two, two, table)]];
  },
});

const barrierVsBatch = countingScenario({
  name: 'barrier-vs-callback+two-batches',
  about: 'A barrier waits for the batch that waits already, and for what was queued after it.',
  rules: ['R3'],
  mustSee: ['barrier over', 'callbacks 1', 'callbacks 0'],
  large: true,
  kit: EPOCH,
  heads: 2,
  threads: ({ kit, threads }, table) => {
    const [one, two] = threads as Two;
    queue(one, kit, 0)([]);
    rcuReadLock(two);
    beginGrace(kit.heap);
    serveWith(one, one, table)([]);
    rcuReadUnlock(two);
    queue(one, kit, 1)([]);
    return [[barrier(one, kit, 2, table)], [serveWith(two, one, table)]];
  },
});

const dead = countingScenario({
  name: 'dead-vs-poll+left-callbacks',
  about: 'A thread queues, and is never heard of again: the living run what it left, once.',
  rules: ['R1', 'P9'],
  mustSee: ['callbacks 1', 'callbacks 0'],
  kit: { threads: 3, pages: 1 },
  heads: 1,
  threads: ({ kit, threads }, table) => {
    const [one, two, three] = threads as [Thread, Thread, Thread];
    queue(one, kit, 0)([]);
    const pollOnce =
      (thread: Thread): Operation =>
      () =>
        `callbacks ${pollAll(thread, table, 4)}`;
    // No operation of its own: it does not even detach.
    return [[], [pollOnce(two), pollOnce(two)], [pollOnce(three)]];
  },
});

/** Counts, and is due again at once: whoever has such a head always has work of its own. */
function tireless(kit: Kit): CallbackTable {
  const [count] = counting(kit);
  return [
    (thread, head): void => {
      if (head === headOf(kit, 0)) callRcu(thread, head, 0);
      else count?.(thread, head);
    },
  ];
}

/** Polls of one thread, after which it must have come to the other's queue and waited for it. */
const POLLS = 8;

const idleQueue = heapScenario({
  name: 'poll-vs-reader+idle-queue',
  about: 'A thread that always has callbacks of its own to run comes to what an idle one has left.',
  rules: ['P9', 'R1'],
  mustSee: ['ran at once', 'ran later', 'callbacks 1', 'callbacks 2'],
  kit: EPOCH,
  callbacks: ({ kit }) => counting(kit),
  play: ({ kit, threads, see }) => {
    const [busy, idle] = threads as Two;
    const table = tireless(kit);
    queue(busy, kit, 0)([]);
    queue(idle, kit, 1)([]);
    const ran = (): number => kit.heap.mem.peek(kit.own(COUNTS + 1));
    const pollOnce = (): string => `callbacks ${poll(busy, table, 4)}`;
    const reads = (): void => {
      rcuReadLock(idle);
      rcuReadUnlock(idle);
    };
    return {
      threads: [[pollOnce, pollOnce], [reads]],
      atEnd: () => {
        see(ran() === 1 ? 'ran at once' : 'ran later');
        for (let polls = 0; polls < POLLS; polls++) pollOnce();
        if (ran() === 1) return [];
        return [{ rule: 'P9', detail: `not run after ${POLLS} more polls of a busy thread` }];
      },
    };
  },
});

export const RCU_SCENARIOS: readonly Scenario[] = [
  twoPollers,
  pushVsTake,
  takeVsTake,
  detached,
  dead,
  idleQueue,
  barrierVsCallback,
  barrierVsBatch,
];
