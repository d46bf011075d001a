/**
 * Threads that serve the queues of others: one that has said that it takes no part (qsbr, offline),
 * and a reclaimer.
 *
 *   R5  a qsbr thread that is offline has its sections inside an operation, and is offline again
 *       after it
 *   R6  a reclaimer returns once it was told to stop, be it before it began
 */
import { InvariantError } from '../../../core/base/errors.js';
import { at } from '../../../core/base/units.js';
import type { Thread } from '../../../core/mem/heap.js';
import { THREAD } from '../../../core/mem/layout.js';
import { attachThread, detachThread } from '../../../core/rcu/attach.js';
import { type CallbackTable, poll, pollAll } from '../../../core/rcu/callback.js';
import { advanceGrace } from '../../../core/rcu/grace-period.js';
import {
  enterBriefly,
  isWaitedFor,
  leaveBriefly,
  quiescent,
  rcuOffline,
  rcuOnline,
  rcuReadLock,
  rcuReadUnlock,
} from '../../../core/rcu/reader.js';
import {
  POLL_EVERY,
  pollInterval,
  reclaim,
  resumeReclaimers,
  stopReclaimers,
} from '../../../core/rcu/reclaim.js';
import { rcuBarrier, synchronizeRcu } from '../../../core/rcu/wait.js';
import type { Operation } from '../../model/program.js';
import type { Finding, Scenario } from '../../model/scenario.js';
import type { Kit, KitOptions } from '../kit.js';
import { heapScenario, orRefused } from './actors.js';
import { counting, queue, ranOnce, serveWith, X } from './heads.js';

type Two = readonly [Thread, Thread];

function isOnline({ mem, record }: Thread): boolean {
  return mem.load(at(record, THREAD.READER)) !== 0;
}

/** As `counting`, by a thread that must be in a section that counts. */
function countingInSections(kit: Kit): CallbackTable {
  const [count] = counting(kit);
  return [
    (thread, head): unknown => {
      // As an operation of the library does, which may be called inside of another one.
      enterBriefly(thread);
      leaveBriefly(thread);
      if (!isOnline(thread)) throw new InvariantError('R5', 'a section of an offline thread');
      return count?.(thread, head);
    },
  ];
}

function staysOffline(thread: Thread): Finding | null {
  if (!isOnline(thread)) return null;
  return { rule: 'R5', detail: `thread ${thread.id} was offline, and holds up grace periods now` };
}

function staysOnline(thread: Thread): Finding | null {
  if (isOnline(thread)) return null;
  return { rule: 'R5', detail: `thread ${thread.id} was online, and its sections count no more` };
}

const OFFLINE: KitOptions = { threads: 2, pages: 1, flavours: ['qsbr', 'epoch'] };

const offline = heapScenario({
  name: 'offline-vs-grace+served-queue',
  about: "An offline thread serves another's queue: it is in a section there, and offline again.",
  rules: ['R5', 'R1'],
  mustSee: ['callbacks 0', 'callbacks 1'],
  kit: OFFLINE,
  callbacks: ({ kit }) => countingInSections(kit),
  play: ({ kit, threads }) => {
    const [one, two] = threads as Two;
    rcuOffline(one);
    const serve = serveWith(one, two, countingInSections(kit));
    const advance: Operation = () => advanceGrace(kit.heap);
    return {
      threads: [
        [serve, serve],
        [queue(two, kit, 0), advance, advance],
      ],
      atEnd: () => {
        const before = staysOffline(one);
        rcuOnline(one);
        queue(two, kit, 1)([]);
        for (let round = 0; round < 3; round++) {
          serve([]);
          quiescent(one);
        }
        return [before, staysOnline(one)];
      },
      drained: () => ranOnce(kit, 2),
    };
  },
});

const stopped = heapScenario({
  name: 'stop-vs-reclaim+early',
  about: 'A reclaimer is told to stop, before it begins or later: it returns.',
  rules: ['R6', 'R1'],
  mustSee: ['reclaimed 1'],
  kit: { threads: 2, pages: 1 },
  callbacks: ({ kit }) => counting(kit),
  play: ({ kit, threads }) => {
    const [one, two] = threads as Two;
    const stop: Operation = () => stopReclaimers(kit.heap);
    return {
      threads: [[() => `reclaimed ${reclaim(one, counting(kit))}`], [queue(two, kit, 0), stop]],
      drained: () => ranOnce(kit, 1),
    };
  },
});

const [SELDOM, OFTEN] = ['polls seldom', 'polls often'] as const;

/** A word of the scenario's own: set before the stop that a reclaimer has to wait for. */
const TOLD = X;

/** Reclaims, and must not return before it was told to, anew. */
function reclaims(thread: Thread, kit: Kit): Operation {
  return () => {
    const count = reclaim(thread, counting(kit));
    if (thread.mem.load(kit.own(TOLD)) === 1) return `reclaimed ${count}`;
    throw new InvariantError('R6', 'a reclaimer returned that was not told to stop');
  };
}

function stops(thread: Thread, kit: Kit): Operation {
  return () => {
    thread.mem.store(kit.own(TOLD), 1);
    stopReclaimers(kit.heap);
  };
}

const reclaimsTwice = heapScenario({
  name: 'stop-vs-reclaim+once-more',
  about: 'Reclaimers were stopped and are resumed: the next goes on until it is told once more.',
  rules: ['R6', 'R1'],
  mustSee: ['reclaimed 1', 'polls seldom', 'polls often'],
  kit: { threads: 2, pages: 1 },
  callbacks: ({ kit }) => counting(kit),
  play: ({ kit, threads, see }) => {
    const [one, two] = threads as Two;
    queue(two, kit, 0)([]);
    stopReclaimers(kit.heap);
    const asks: Operation = () => see(pollInterval(kit.heap) > POLL_EVERY ? SELDOM : OFTEN);
    reclaim(one, counting(kit));
    resumeReclaimers(kit.heap);
    queue(two, kit, 1)([]);
    return {
      threads: [[reclaims(one, kit)], [asks, stops(two, kit)]],
      atEnd: () => [noReclaimer(kit)],
      drained: () => ranOnce(kit, 2),
    };
  },
});

function noReclaimer({ heap }: Kit): Finding | null {
  if (pollInterval(heap) === POLL_EVERY) return null;
  return { rule: 'R6', detail: 'threads count on a reclaimer that has returned' };
}

const attachedLater = heapScenario({
  name: 'stop-vs-reclaim+attached-later',
  about: 'A thread attaches while reclaimers are stopped, and reclaims: it returns.',
  rules: ['R6'],
  mustSee: ['reclaimed 0'],
  kit: { threads: 2, pages: 1, spareThreads: 1 },
  callbacks: ({ kit }) => counting(kit),
  play: ({ kit, threads }) => {
    const [one] = threads as Two;
    const begins: Operation = () =>
      reclaims(attachThread(kit.heap, 'epoch', kit.lockWaits), kit)([]);
    return { threads: [[stops(one, kit)], [begins]], atEnd: () => [noReclaimer(kit)] };
  },
});

const twoReclaimers = heapScenario({
  name: 'reclaim-vs-reclaim+counted',
  about: 'Two reclaimers begin and return at once: nobody counts on one afterwards.',
  rules: ['R6'],
  mustSee: ['reclaimed 0'],
  kit: { threads: 2, pages: 1 },
  callbacks: ({ kit }) => counting(kit),
  play: ({ kit, threads }) => {
    const [one, two] = threads as Two;
    stops(one, kit)([]);
    return {
      threads: [[reclaims(one, kit)], [reclaims(two, kit)]],
      atEnd: () => [noReclaimer(kit)],
    };
  },
});

const stoppedTwice = heapScenario({
  name: 'stop-vs-reclaim+twice',
  about: 'A reclaimer is told to stop again while it returns: it returns, and once.',
  rules: ['R6'],
  mustSee: ['reclaimed 0'],
  kit: { threads: 2, pages: 1 },
  callbacks: ({ kit }) => counting(kit),
  play: ({ kit, threads }) => {
    const [one, two] = threads as Two;
    const stop = stops(two, kit);
    return { threads: [[reclaims(one, kit)], [stop, stop]], atEnd: () => [noReclaimer(kit)] };
  },
});

/** Its own section would hold up the grace period that it waits for. */
function pollsOnline(name: string, about: string, polls: typeof poll): Scenario {
  return heapScenario({
    name,
    about,
    rules: ['G1', 'P9'],
    mustSee: ['callbacks 1', 'callbacks 0'],
    kit: { threads: 2, pages: 1, flavours: ['qsbr', 'epoch'] },
    callbacks: ({ kit }) => counting(kit),
    play: ({ kit, threads }) => {
      const [one, two] = threads as Two;
      const table = counting(kit);
      rcuOnline(one);
      queue(one, kit, 0)([]);
      const pollOnce: Operation = () => `callbacks ${polls(one, table, 4)}`;
      const reads: Operation = () => {
        rcuReadLock(two);
        rcuReadUnlock(two);
      };
      // In a section of its own it is not quiescent, and may poll all the same.
      const pollInside: Operation = (results) => {
        rcuReadLock(one);
        const said = pollOnce(results);
        rcuReadUnlock(one);
        return said;
      };
      return {
        threads: [[pollInside, pollOnce, pollOnce, pollOnce], [reads]],
        drained: () => ranOnce(kit, 1),
      };
    },
  });
}

/** Detached, it would be waited for until its record is given to another. */
const detaches = heapScenario({
  name: 'detach-vs-synchronize+online',
  about: 'A qsbr thread leaves while it is online: nobody waits for it afterwards.',
  rules: ['G1', 'R5'],
  mustSee: ['waited', 'has left'],
  kit: { threads: 2, pages: 1, flavours: ['qsbr', 'epoch'] },
  play: ({ threads, see }) => {
    const [one, two] = threads as Two;
    rcuOnline(one);
    return {
      threads: [
        [(): void => detachThread(one)],
        [
          (): void => synchronizeRcu(two),
          (): void => see(isWaitedFor(two.heap, one.id) ? 'is waited for' : 'has left'),
          (): string => 'waited',
        ],
      ],
    };
  },
});

/** Who reports does so at any moment, of a thread that does not know of it. */
const reported = heapScenario({
  name: 'look-vs-reader+waited-for',
  about: 'One asks whether a thread is waited for, while that is in a section, or not.',
  rules: ['G1'],
  mustSee: ['waited for', 'not waited for'],
  kit: { threads: 2, pages: 1 },
  play: ({ threads }) => {
    const [one, two] = threads as Two;
    const reads: Operation = () => {
      rcuReadLock(one);
      rcuReadUnlock(one);
    };
    const asks: Operation = () => (isWaitedFor(two.heap, one.id) ? 'waited for' : 'not waited for');
    return { threads: [[reads], [asks]] };
  },
});

/** A callback that polls: the one that is under way must be the only one. */
const nested = heapScenario({
  name: 'poll-vs-callback+nested',
  about: 'A callback polls, where two are due, and would wait: none runs inside of another.',
  rules: ['R1'],
  mustSee: ['callbacks 2', 'nested 0', 'barrier: inside-reader'],
  kit: { threads: 2, pages: 1 },
  callbacks: ({ kit }) => counting(kit),
  play: ({ kit, threads, see }) => {
    const [one, two] = threads as Two;
    const [count] = counting(kit);
    const polling: CallbackTable = [
      (thread, head): void => {
        count?.(thread, head);
        see(orRefused('barrier', () => rcuBarrier(thread, polling))([]) as string);
        for (const ran of [poll(thread, polling, 1), pollAll(thread, polling, 1)]) {
          see(`nested ${ran}`);
          if (ran > 0) throw new InvariantError('R1', 'a callback ran inside of another');
        }
      },
    ];
    queue(one, kit, 0)([]);
    queue(two, kit, 1)([]);
    advanceGrace(kit.heap);
    const serves: Operation = () => `callbacks ${pollAll(one, polling, 1)}`;
    return { threads: [[serves], [queue(two, kit, 2)]], drained: () => ranOnce(kit, 3) };
  },
});

export const BYSTANDER_SCENARIOS: readonly Scenario[] = [
  offline,
  stopped,
  reclaimsTwice,
  attachedLater,
  twoReclaimers,
  stoppedTwice,
  pollsOnline(
    'poll-vs-reader+online',
    'A qsbr thread that polls and does nothing else lets grace periods end.',
    poll,
  ),
  pollsOnline('poll-vs-reader+online-all', 'The same where it polls all queues.', pollAll),
  detaches,
  reported,
  nested,
];
