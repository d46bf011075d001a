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
import { detachThread } from '../../../core/rcu/attach.js';
import { type CallbackTable, poll, pollAll } from '../../../core/rcu/callback.js';
import { advanceGrace } from '../../../core/rcu/grace-period.js';
import {
  isWaitedFor,
  rcuOffline,
  rcuOnline,
  rcuReadLock,
  rcuReadUnlock,
} from '../../../core/rcu/reader.js';
import { POLL_EVERY, pollInterval, reclaim, stopReclaimers } from '../../../core/rcu/reclaim.js';
import { synchronizeRcu } from '../../../core/rcu/wait.js';
import type { Operation } from '../../model/machine.js';
import type { Finding, Scenario } from '../../model/scenario.js';
import type { Kit, KitOptions } from '../kit.js';
import { heapScenario } from './actors.js';
import { counting, queue, ranOnce, serveWith } from './heads.js';

type Two = readonly [Thread, Thread];

function isOnline({ mem, record }: Thread): boolean {
  return mem.load(at(record, THREAD.READER)) !== 0;
}

/** As `counting`, by a thread that must be in a section that counts. */
function countingInSections(kit: Kit): CallbackTable {
  const [count] = counting(kit);
  return [
    (thread, head): unknown => {
      if (!isOnline(thread)) throw new InvariantError('R5', 'a section of an offline thread');
      return count?.(thread, head);
    },
  ];
}

function staysOffline(thread: Thread): Finding | null {
  if (!isOnline(thread)) return null;
  return { rule: 'R5', detail: `thread ${thread.id} was offline, and holds up grace periods now` };
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
      atEnd: () => [staysOffline(one)],
      drained: () => ranOnce(kit, 1),
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

const reclaimsTwice = heapScenario({
  name: 'stop-vs-reclaim+once-more',
  about: 'A reclaimer returned; what was queued then is reclaimed only when it is called again.',
  rules: ['R6', 'R1'],
  mustSee: ['reclaimed 1', 'polls seldom', 'polls often'],
  kit: { threads: 2, pages: 1 },
  callbacks: ({ kit }) => counting(kit),
  play: ({ kit, threads, see }) => {
    const [one, two] = threads as Two;
    const table = counting(kit);
    queue(two, kit, 0)([]);
    stopReclaimers(kit.heap);
    const reclaims: Operation = () => `reclaimed ${reclaim(one, table)}`;
    const asks: Operation = () => see(pollInterval(kit.heap) > POLL_EVERY ? SELDOM : OFTEN);
    reclaims([]);
    queue(two, kit, 1)([]);
    return {
      threads: [[reclaims], [asks, (): void => stopReclaimers(kit.heap)]],
      atEnd: () => [
        pollInterval(kit.heap) === POLL_EVERY
          ? null
          : { rule: 'R6', detail: 'threads count on a reclaimer that has returned' },
      ],
      drained: () => ranOnce(kit, 2),
    };
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
      return {
        threads: [[pollOnce, pollOnce, pollOnce], [reads]],
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

/** A callback that polls: the one that is under way must be the only one. */
const nested = heapScenario({
  name: 'poll-vs-callback+nested',
  about: 'A callback polls, where two are due: none runs inside of another.',
  rules: ['R1'],
  mustSee: ['callbacks 2', 'nested 0'],
  kit: { threads: 2, pages: 1 },
  callbacks: ({ kit }) => counting(kit),
  play: ({ kit, threads, see }) => {
    const [one, two] = threads as Two;
    const [count] = counting(kit);
    const polling: CallbackTable = [
      (thread, head): void => {
        count?.(thread, head);
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
  pollsOnline(
    'poll-vs-reader+online',
    'A qsbr thread that polls and does nothing else lets grace periods end.',
    poll,
  ),
  pollsOnline('poll-vs-reader+online-all', 'The same where it polls all queues.', pollAll),
  detaches,
  nested,
];
