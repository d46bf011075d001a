/**
 * Grace periods and readers: G1 to G3 of rcu/grace-period.ts, and that a callback does not run
 * before a grace period that began after it was queued (R2).
 */
import { InvariantError } from '../../../core/base/errors.js';
import { headerWord, type Thread, threadsHigh } from '../../../core/mem/heap.js';
import { HEAP } from '../../../core/mem/layout.js';
import { attachThread, detachThread } from '../../../core/rcu/attach.js';
import type { CallbackTable } from '../../../core/rcu/callback.js';
import { advanceGrace, beginGrace, endGrace } from '../../../core/rcu/grace-period.js';
import {
  quiescent,
  rcuOffline,
  rcuOnline,
  rcuReadLock,
  rcuReadUnlock,
} from '../../../core/rcu/reader.js';
import { rcuBarrier, synchronizeRcu } from '../../../core/rcu/wait.js';
import type { Operation } from '../../model/program.js';
import type { Scenario } from '../../model/scenario.js';
import type { KitOptions } from '../kit.js';
import { heapScenario, orRefused, type World } from './actors.js';
import { queue, readBoth, serveWith, store, telling, X, Y } from './heads.js';

/**
 * The litmus test of RCU: an updater stores x, waits for a grace period, and stores y. A section
 * that misses x began before; it must not see y.
 */
function litmus(
  name: string,
  about: string,
  kit: KitOptions,
  update: (world: World, table: CallbackTable) => readonly (readonly Operation[])[],
  read: (world: World) => readonly Operation[],
): Scenario {
  return heapScenario({
    name,
    about,
    rules: ['G1', 'G2', 'R2'],
    mustSee: ['x=0 y=0', 'x=1 y=0', 'x=1 y=1'],
    kit,
    callbacks: (world) => telling(world.kit),
    play: (world) => ({ threads: [...update(world, telling(world.kit)), read(world)] }),
  });
}

const waits = ({ kit, threads }: World): Operation[][] => {
  const one = threads[0] as Thread;
  return [[store(one, kit.own(X)), () => synchronizeRcu(one), store(one, kit.own(Y))]];
};

const queues = ({ kit, threads }: World, table: CallbackTable): Operation[][] => {
  const one = threads[0] as Thread;
  return [
    [
      store(one, kit.own(X)),
      queue(one, kit, 0),
      serveWith(one, one, table),
      serveWith(one, one, table),
    ],
  ];
};

/** The same behind a head that waits for an earlier grace period. */
const queuesBehind = (world: World, table: CallbackTable): Operation[][] => {
  const { kit, threads } = world;
  const one = threads[0] as Thread;
  queue(one, kit, 1)([]);
  beginGrace(kit.heap);
  return queues(world, table);
};

const readsOnce = ({ kit, threads, see }: World): Operation[] => [
  readBoth(threads[1] as Thread, kit, see, false),
];

const readsNested = ({ kit, threads, see }: World): Operation[] => [
  readBoth(threads[1] as Thread, kit, see, true),
];

const readsTwice = (world: World): Operation[] => [...readsOnce(world), ...readsOnce(world)];

const readsQuiescent = (world: World): Operation[] => {
  const reader = world.threads[1] as Thread;
  const rest = [(): void => quiescent(reader), (): void => rcuOffline(reader)];
  return [...readsOnce(world), rest[0] as Operation, ...readsOnce(world), rest[1] as Operation];
};

/** Online, a qsbr thread reads outside of sections too: one that it enters changes nothing. */
const readsBetween = (world: World): Operation[] => {
  const { kit, threads, see } = world;
  const reader = threads[1] as Thread;
  rcuOnline(reader);
  const reads = (): void => {
    const x = reader.mem.load(kit.own(X));
    rcuReadLock(reader);
    rcuReadUnlock(reader);
    const y = reader.mem.load(kit.own(Y));
    rcuOffline(reader);
    see(`x=${x} y=${y}`);
    if (x === 0 && y === 1) throw new InvariantError('G1', 'an online thread was not waited for');
  };
  return [reads, ...readsOnce(world), (): void => rcuOffline(reader)];
};

const EPOCH: KitOptions = { threads: 2, pages: 1 };
const QSBR: KitOptions = { threads: 2, pages: 1, flavours: ['epoch', 'qsbr'] };
const TWO_READERS: KitOptions = { threads: 3, pages: 1 };

/** Two threads that advance, and a reader that both must wait for. */
const twoAdvance = heapScenario({
  name: 'advance-vs-advance+reader',
  about: 'Two threads begin and end grace periods while a reader is inside: none ends too early.',
  rules: ['G1', 'G3', 'R2'],
  mustSee: ['x=0 y=0', 'x=1 y=1', 'callbacks 1'],
  kit: TWO_READERS,
  callbacks: (world) => telling(world.kit),
  play: (world) => {
    const { kit, threads } = world;
    const [one, , three] = threads as [Thread, Thread, Thread];
    const table = telling(kit);
    return {
      threads: [
        [store(one, kit.own(X)), queue(one, kit, 0), serveWith(one, one, table)],
        readsOnce(world),
        [(): void => beginGrace(three.heap), (): void => endGrace(three.heap)],
      ],
    };
  },
});

/** The two numbers never go back, and never part by more than one. */
function readNumbers({ mem }: Thread): Operation {
  return () => {
    const completed = mem.load(headerWord(HEAP.GP_COMPLETED));
    const started = mem.load(headerWord(HEAP.GP_STARTED));
    const later = mem.load(headerWord(HEAP.GP_COMPLETED));
    const laterStarted = mem.load(headerWord(HEAP.GP_STARTED));
    if (started < completed || later < completed || laterStarted < started) {
      const first = `completed ${completed} and started ${started}`;
      const second = `then completed ${later} and started ${laterStarted}`;
      throw new InvariantError('G3', `a thread read ${first}, ${second}`);
    }
    return later > completed ? 'went on' : 'stood still';
  };
}

const numbers = heapScenario({
  name: 'advance-vs-advance+numbers',
  about: 'The numbers of grace periods never go back, however late a thread ends one.',
  rules: ['G3'],
  mustSee: ['went on', 'stood still'],
  kit: TWO_READERS,
  play: ({ kit, threads }) => {
    const [, , three] = threads as [Thread, Thread, Thread];
    const advance = (): void => advanceGrace(kit.heap);
    return {
      threads: [[advance, advance], [advance], [readNumbers(three)]],
    };
  },
});

const threeAttach = heapScenario({
  name: 'attach-vs-attach+high',
  about: 'Two threads attach beyond the records that were in use: both are counted.',
  rules: ['R1', 'G1'],
  mustSee: ['high 3'],
  kit: { threads: 3, pages: 1, spareThreads: 2 },
  play: ({ kit, see }) => {
    const attach = (): Thread => attachThread(kit.heap, 'epoch', kit.lockWaits);
    return {
      threads: [[attach], [attach], []],
      atEnd: () => {
        const high = threadsHigh(kit.heap);
        see(`high ${high}`);
        if (high === 3) return [];
        return [{ rule: 'G1', detail: `three threads are attached, and ${high} are looked at` }];
      },
    };
  },
});

const attachVsAttach = heapScenario({
  name: 'attach-vs-attach+records',
  about: 'Two threads attach at once: each has a record of its own.',
  rules: ['R1', 'G1'],
  mustSee: ['0 then 1', '1 then 0'],
  kit: { threads: 2, pages: 1, spareThreads: 1 },
  play: ({ kit, threads, see }) => {
    const attach = (): Thread => attachThread(kit.heap, 'epoch', kit.lockWaits);
    detachThread(threads[0] as Thread);
    return {
      threads: [[attach], [attach]],
      atEnd: (results) => {
        const [one, two] = results.map(([thread]) => (thread as Thread).id);
        see(`${one} then ${two}`);
        if (one !== two) return [];
        return [{ rule: 'R1', detail: `two threads have record ${one}` }];
      },
    };
  },
});

const barrierVsReader = heapScenario({
  name: 'barrier-vs-reader+late',
  about: 'A barrier waits for a reader that was inside when the callback was queued.',
  rules: ['R2', 'R3', 'G1'],
  mustSee: ['x=0 y=0', 'x=1 y=1', 'barrier over'],
  kit: EPOCH,
  callbacks: (world) => telling(world.kit),
  play: (world) => {
    const { kit, threads } = world;
    const one = threads[0] as Thread;
    const table = telling(kit);
    return {
      threads: [
        [
          store(one, kit.own(X)),
          queue(one, kit, 0),
          (): string => {
            rcuBarrier(one, table);
            return 'barrier over';
          },
        ],
        readsOnce(world),
      ],
    };
  },
});

const synchronizeTwice = heapScenario({
  name: 'synchronize-vs-synchronize+reader',
  about: 'Two threads wait for grace periods at once, past a reader: both come through.',
  rules: ['G1', 'G3'],
  mustSee: ['x=0 y=0', 'x=1 y=1'],
  kit: TWO_READERS,
  play: (world) => ({
    threads: [
      ...waits(world),
      readsOnce(world),
      [(): void => synchronizeRcu(world.threads[2] as Thread)],
    ],
  }),
});

const synchronizeBothQsbr = heapScenario({
  name: 'synchronize-vs-synchronize+qsbr',
  about: 'Two qsbr threads, each online, wait for grace periods: neither waits for the other.',
  rules: ['G1', 'G3'],
  mustSee: ['over'],
  kit: { threads: 2, pages: 1, flavours: ['qsbr', 'qsbr'] },
  play: ({ threads }) => ({
    threads: threads.map((thread) => [
      (): string => {
        synchronizeRcu(thread);
        return 'over';
      },
    ]),
  }),
});

/** Who began to read after the grace period began is not waited for, however long it reads. */
const laterReader = heapScenario({
  name: 'reader-vs-grace+later',
  about: 'A reader that began later waits in its section for a grace period to end: it does.',
  rules: ['G1', 'G2'],
  mustSee: ['ended meanwhile', 'wait: inside-reader'],
  kit: EPOCH,
  play: ({ kit, threads, see }) => {
    const [one, two] = threads as [Thread, Thread];
    const completed = headerWord(HEAP.GP_COMPLETED);
    beginGrace(kit.heap);
    const before = kit.heap.mem.load(completed);
    return {
      threads: [
        [(): void => endGrace(one.heap)],
        [
          (): string => {
            rcuReadLock(two);
            see(orRefused('wait', () => synchronizeRcu(two))([]) as string);
            while (two.mem.load(completed) === before) two.mem.awaitChange(completed, before);
            rcuReadUnlock(two);
            return 'ended meanwhile';
          },
        ],
      ],
    };
  },
});

export const GRACE_SCENARIOS: readonly Scenario[] = [
  synchronizeBothQsbr,
  litmus(
    'reader-vs-grace+callback',
    'A callback never runs under a reader.',
    EPOCH,
    queues,
    readsTwice,
  ),
  litmus(
    'reader-vs-grace+callback-qsbr',
    'The same with a qsbr reader.',
    QSBR,
    queues,
    readsQuiescent,
  ),
  litmus(
    'reader-vs-grace+batch',
    'A batch is ripe when its latest head is.',
    EPOCH,
    queuesBehind,
    readsOnce,
  ),
  litmus(
    'reader-vs-synchronize+epoch',
    'Waiting ends after all readers.',
    EPOCH,
    waits,
    readsTwice,
  ),
  litmus('reader-vs-synchronize+qsbr', 'The same, qsbr.', QSBR, waits, readsQuiescent),
  litmus(
    'reader-vs-synchronize+qsbr-online',
    'The same, qsbr, between sections.',
    QSBR,
    waits,
    readsBetween,
  ),
  litmus(
    'nested-reader-vs-grace+epoch',
    'Only the outermost unlock ends a section.',
    EPOCH,
    queues,
    readsNested,
  ),
  litmus('nested-reader-vs-grace+qsbr', 'The same, qsbr.', QSBR, queues, readsNested),
  twoAdvance,
  numbers,
  attachVsAttach,
  threeAttach,
  barrierVsReader,
  synchronizeTwice,
  laterReader,
];
