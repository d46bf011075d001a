/**
 * Grace periods, readers and callbacks.
 *
 *   G1-G3  see rcu/grace-period.ts
 *   R1     a callback runs once, and never together with another of the same head
 *   R2     not before a grace period that began after it was queued
 *   R3     a barrier ends only when every callback queued before it has run
 */
import { InvariantError } from '../../base/errors.js';
import type { Word } from '../../base/units.js';
import { headerWord, type Thread } from '../../mem/heap.js';
import { HEAP, RCU_HEAD } from '../../mem/layout.js';
import { attachThread, detachThread } from '../../rcu/attach.js';
import { type CallbackTable, callRcu, HEAD_IDLE, poll, serveQueue } from '../../rcu/callback.js';
import { advanceGrace, beginGrace, endGrace } from '../../rcu/grace-period.js';
import { quiescent, rcuOffline, rcuReadLock, rcuReadUnlock } from '../../rcu/reader.js';
import { rcuBarrier, synchronizeRcu } from '../../rcu/wait.js';
import type { Kit, KitOptions } from '../kit.js';
import type { Operation } from '../machine.js';
import type { Finding, Scenario, Stage } from '../scenario.js';
import { type Body, heapScenario, type World } from './actors.js';

type Two = readonly [Thread, Thread];

/** Words of the scenario's own: two variables, then what callbacks count in, then heads. */
const X = 0;
const Y = 1;
const COUNTS = 2;
const HEADS = 6;

function headOf(kit: Kit, index: number): Word {
  return kit.own(HEADS + index * RCU_HEAD.WORDS);
}

/** A callback that counts, plainly: two runs at once are a data race. */
function counting(kit: Kit): CallbackTable {
  return [
    ({ mem }, head): void => {
      const index = (head - kit.own(HEADS)) / RCU_HEAD.WORDS;
      const count = kit.own(COUNTS + index);
      mem.poke(count, mem.peek(count) + 1);
      mem.poke(head, HEAD_IDLE);
    },
  ];
}

/** Head 0's callback tells readers that it ran. */
function telling(kit: Kit): CallbackTable {
  return [
    ({ mem }, head): void => {
      if (head === headOf(kit, 0)) mem.store(kit.own(Y), 1);
      mem.poke(head, HEAD_IDLE);
    },
  ];
}

function queue(thread: Thread, kit: Kit, index: number): Operation {
  return () => callRcu(thread, headOf(kit, index), 0);
}

function serveWith(thread: Thread, owner: Thread, table: CallbackTable): Operation {
  return () => `callbacks ${serveQueue(thread, table, owner.id, 4)}`;
}

/** After everything was drained, each head's callback has run once (R1). */
function ranOnce(kit: Kit, heads: number): (Finding | null)[] {
  return Array.from({ length: heads }, (_, index) => {
    const count = kit.heap.mem.peek(kit.own(COUNTS + index));
    if (count === 1) return null;
    return { rule: 'R1', detail: `callback ${index} ran ${count} times` };
  });
}

function readBoth(thread: Thread, kit: Kit, see: Stage['see'], nested: boolean): Operation {
  return () => {
    const { mem } = thread;
    rcuReadLock(thread);
    if (nested) rcuReadLock(thread);
    const x = mem.load(kit.own(X));
    if (nested) {
      rcuReadUnlock(thread);
      rcuReadLock(thread);
    }
    const y = mem.load(kit.own(Y));
    if (nested) rcuReadUnlock(thread);
    rcuReadUnlock(thread);
    see(`x=${x} y=${y}`);
    if (x === 0 && y === 1) {
      throw new InvariantError('G1', 'a section saw the end of a grace period that it was in');
    }
    return x;
  };
}

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

function store({ mem }: Thread, word: Word): Operation {
  return () => mem.store(word, 1);
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
      throw new InvariantError('G3', `${completed}, ${started}, then ${later}, ${laterStarted}`);
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

const attachVsAttach = heapScenario({
  name: 'attach-vs-attach+records',
  about: 'Two threads attach at once: each has a record of its own.',
  rules: ['R1', 'G1'],
  mustSee: ['0 then 1', '1 then 0'],
  kit: { threads: 2, pages: 1, spareThreads: 1 },
  play: ({ kit, threads, see }) => {
    const attach = (): Thread => attachThread(kit.heap, 'epoch');
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
        (): Thread => attachThread(kit.heap, 'epoch'),
        (results): void => callRcu(results[1] as Thread, headOf(kit, 1), 0),
      ],
      [serveWith(two, one, table), serveWith(two, one, table)],
    ];
  },
});

/** What a barrier promises: the callbacks' plain writes are done and visible. */
function barrier(thread: Thread, kit: Kit, heads: number, table: CallbackTable): Operation {
  return () => {
    rcuBarrier(thread, table);
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

/** The deterministic replay's way of running callbacks, with a reader that must be waited for. */
const manualVsReader = heapScenario({
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
  large: true,
  play: (world) => ({
    threads: [
      ...waits(world),
      readsOnce(world),
      [(): void => synchronizeRcu(world.threads[2] as Thread)],
    ],
  }),
});

export const RCU_SCENARIOS: readonly Scenario[] = [
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
  twoPollers,
  pushVsTake,
  takeVsTake,
  detached,
  barrierVsCallback,
  barrierVsBatch,
  manualVsReader,
  synchronizeTwice,
];
