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
import type { CallbackTable } from '../../../core/rcu/callback.js';
import { advanceGrace } from '../../../core/rcu/grace-period.js';
import { rcuOffline } from '../../../core/rcu/reader.js';
import { reclaim, stopReclaimers } from '../../../core/rcu/reclaim.js';
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

export const BYSTANDER_SCENARIOS: readonly Scenario[] = [offline, stopped];
