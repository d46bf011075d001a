/**
 * A thread whose operation is broken off, as by an exception that may come at any call, and a
 * thread that ends inside a section: what it does next is as safe as ever, and nobody waits for it.
 */
import type { Thread } from '../../../core/mem/heap.js';
import type { Memory } from '../../../core/mem/memory.js';
import { attachThread, detachThread } from '../../../core/rcu/attach.js';
import { leaveAllSections, rcuReadLock } from '../../../core/rcu/reader.js';
import { synchronizeRcu } from '../../../core/rcu/wait.js';
import type { Scenario } from '../../model/scenario.js';
import type { KitOptions } from '../kit.js';
import { heapScenario } from './actors.js';
import { readBoth, store, X, Y } from './heads.js';

const EPOCH: KitOptions = { threads: 2, pages: 1 };

/**
 * The thread, with memory that takes one write and no other: an operation that is done on it leaves
 * what it leaves when it is broken off after its first write.
 */
function brokenAfterOne(thread: Thread): Thread {
  const { mem } = thread;
  let writes = 0;
  const isFirst = (): boolean => writes++ === 0;
  const cut = Object.assign(Object.create(mem) as Memory, {
    load: mem.load.bind(mem),
    peek: mem.peek.bind(mem),
    store: (...given: Parameters<Memory['store']>) => void (isFirst() && mem.store(...given)),
    poke: (...given: Parameters<Memory['poke']>) => void (isFirst() && mem.poke(...given)),
  });
  return { ...thread, mem: cut };
}

const breaksOff = heapScenario({
  name: 'broken-reader-vs-synchronize+next-section',
  about: 'Entering a section is broken off after one write: the next section is published even so.',
  rules: ['G1'],
  mustSee: ['x=0 y=0', 'x=1 y=0', 'x=1 y=1'],
  kit: EPOCH,
  play: ({ kit, threads, see }) => {
    const [one, two] = threads as [Thread, Thread];
    return {
      threads: [
        [store(one, kit.own(X)), (): void => synchronizeRcu(one), store(one, kit.own(Y))],
        [(): void => rcuReadLock(brokenAfterOne(two)), readBoth(two, kit, see, false)],
      ],
    };
  },
});

const endsInside = heapScenario({
  name: 'ending-reader-vs-synchronize+next-thread',
  about: 'A thread ends inside a section: nobody waits for it, and its record is as good as new.',
  rules: ['G1'],
  mustSee: ['x=0 y=0', 'x=1 y=0', 'x=1 y=1'],
  kit: EPOCH,
  play: ({ kit, threads, see }) => {
    const [one, two] = threads as [Thread, Thread];
    // In two sections, one in the other, when the writer comes.
    rcuReadLock(two);
    rcuReadLock(two);
    const ends = (): void => {
      leaveAllSections(two);
      detachThread(two);
    };
    return {
      threads: [
        [store(one, kit.own(X)), (): void => synchronizeRcu(one), store(one, kit.own(Y))],
        [
          ends,
          (): Thread => attachThread(kit.heap, 'epoch', kit.lockWaits),
          (results): unknown => readBoth(results[1] as Thread, kit, see, false)(results),
        ],
      ],
    };
  },
});

const leaves = heapScenario({
  name: 'leaving-reader-vs-synchronize+attached',
  about: 'A thread leaves all its sections at once, and stays: nobody waits for it.',
  rules: ['G1'],
  mustSee: ['waited'],
  kit: EPOCH,
  play: ({ threads }) => {
    const [one, two] = threads as [Thread, Thread];
    rcuReadLock(two);
    rcuReadLock(two);
    const waits = (): string => {
      synchronizeRcu(one);
      return 'waited';
    };
    return { threads: [[waits], [(): void => leaveAllSections(two)]] };
  },
});

export const BROKEN_OFF_SCENARIOS: readonly Scenario[] = [breaksOff, endsInside, leaves];
