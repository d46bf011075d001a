/**
 * Records that go from one user to the next while others still have to do with them: of threads,
 * and of mms; and looks at what an mm counts.
 */
import type { MmId } from '../../../core/base/units.js';
import { createMm, destroyMm, tablesOf } from '../../../core/frag/mm.js';
import { enterMm, usersOf } from '../../../core/frag/users.js';
import type { Thread } from '../../../core/mem/heap.js';
import { attachThread, detachThread } from '../../../core/rcu/attach.js';
import { poll } from '../../../core/rcu/callback.js';
import { advanceGrace } from '../../../core/rcu/grace-period.js';
import { synchronizeRcu } from '../../../core/rcu/wait.js';
import type { Scenario } from '../../model/scenario.js';
import { heapScenario, orRefused } from './actors.js';
import { counting, queue, ranOnce, readBoth, store, X, Y } from './heads.js';

/** What the first thread does last must not undo what the next does first. */
const nextReader = heapScenario({
  name: 'detach-vs-attach+next-reader',
  about: 'A thread leaves, and the next one with its record reads: a grace period waits for it.',
  rules: ['G1'],
  mustSee: ['attach: done', 'attach: no room', 'x=0 y=0', 'x=1 y=1'],
  kit: { threads: 3, pages: 1 },
  play: ({ kit, threads, see }) => {
    const [one, , three] = threads as [Thread, Thread, Thread];
    const attaches = orRefused('attach', () => {
      const next = attachThread(kit.heap, 'epoch', kit.lockWaits);
      readBoth(next, kit, see, false)([]);
    });
    return {
      threads: [
        [(): void => detachThread(one)],
        [attaches],
        [store(three, kit.own(X)), (): void => synchronizeRcu(three), store(three, kit.own(Y))],
      ],
    };
  },
});

const nextMm = heapScenario({
  name: 'create-vs-callback+ended-again',
  about: 'A record is taken as soon as its callback has put it back, and its next mm ends at once.',
  rules: ['P5', 'P7', 'P11'],
  mustSee: ['create: done', 'create: no room'],
  kit: { threads: 2, pages: 1 },
  play: (world) => {
    const { kit, threads, mm } = world;
    const [one, two] = threads as [Thread, Thread];
    destroyMm(one, mm);
    advanceGrace(kit.heap);
    const creates = orRefused('create', () => destroyMm(two, createMm(two) as MmId));
    return { threads: [[world.serve(one, one)], [creates]] };
  },
});

const counts = heapScenario({
  name: 'count-vs-alloc+tables',
  about: 'One asks how many tables an mm has while another allocates one.',
  rules: ['P6', 'L1'],
  mustSee: ['tables 0', 'tables 1'],
  kit: { threads: 2, pages: 1 },
  play: (world) => {
    const [one, two] = world.threads as [Thread, Thread];
    return { threads: [[world.take(one)], [(): string => `tables ${tablesOf(two, world.mm)}`]] };
  },
});

const users = heapScenario({
  name: 'count-vs-enter+users',
  about: 'One asks how many users an mm has while another enters it.',
  rules: ['P6', 'L1'],
  mustSee: ['users 0', 'users 1'],
  kit: { threads: 2, pages: 1 },
  play: (world) => {
    const [one, two] = world.threads as [Thread, Thread];
    const asks = (): string => `users ${usersOf(two, world.mm)}`;
    return { threads: [[(): void => enterMm(one, world.mm)], [asks]] };
  },
});

/** As many polls as there are threads: each goes on to the queue after the one before. */
const thirdQueue = heapScenario({
  name: 'poll-vs-queue+third-thread',
  about: 'A thread that polls comes to the queue of every other, in turns.',
  rules: ['P9', 'R1'],
  mustSee: ['callbacks 1', 'callbacks 0'],
  kit: { threads: 3, pages: 1 },
  callbacks: ({ kit }) => counting(kit),
  play: ({ kit, threads }) => {
    const [one, , three] = threads as [Thread, Thread, Thread];
    const table = counting(kit);
    const polls = (): string => `callbacks ${poll(one, table, 4)}`;
    return {
      threads: [[polls, polls, polls, polls], [], [queue(three, kit, 0)]],
      drained: () => ranOnce(kit, 1),
    };
  },
});

export const RECORD_SCENARIOS: readonly Scenario[] = [
  nextReader,
  nextMm,
  counts,
  users,
  thirdQueue,
];
