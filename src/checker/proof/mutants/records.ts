/** Mutants of records, queues and numbers that go from one user to the next, and of reclaimers. */
import type { Mutant } from '../../model/mutant.js';

export const RECORD_MUTANTS: readonly Mutant[] = [
  {
    name: 'record-let-go-of-too-early',
    about: 'A thread that leaves clears READER when another may have its record already.',
    rules: ['G1'],
    file: 'core/rcu/attach.js',
    find: `    mem.store(at(record, THREAD.READER), 0);
    // PUBLISH(record): the private words are as the next thread must find them.
    mem.store(at(record, THREAD.ATTACHED), 0);`,
    replace: `    mem.store(at(record, THREAD.ATTACHED), 0);
    mem.store(at(record, THREAD.READER), 0);`,
    scenario: 'detach-vs-attach+next-reader',
  },
  {
    name: 'ended-mm-allocates',
    about: 'allocTable takes from a listed page without asking whether the mm lives.',
    rules: ['P11'],
    file: 'core/frag/alloc.js',
    find: `    if (!isLive(mem, record, mm))
        throw refused(thread, owner, mmNotLive(heap, mm));`,
    replace: '',
    scenario: 'stale-alloc-vs-create+listed-page',
  },
  {
    name: 'mm-head-settled-after-unlock',
    about: "An mm's head is made idle when the record may serve the next mm, and end, already.",
    rules: ['P5', 'P7'],
    file: 'core/frag/mm.js',
    find: `    settle(thread, at(record, MM.RCU));
    intendNothing(thread);
    release(thread, MM_TABLE_LOCK);`,
    replace: `    release(thread, MM_TABLE_LOCK);
    settle(thread, at(record, MM.RCU));
    intendNothing(thread);`,
    scenario: 'create-vs-callback+ended-again',
  },
  {
    name: 'barrier-looks-after-unlock',
    about: 'A barrier looks whether a batch waits when it has let go of the queue.',
    rules: ['R3'],
    file: 'core/rcu/wait.js',
    find: `    const done = idle && mem.load(waiting) === 0;
    mem.store(lock, 0);`,
    replace: `    mem.store(lock, 0);
    const done = idle && mem.load(waiting) === 0;`,
    scenario: 'barrier-vs-serve+behind-batch',
  },
  {
    name: 'put-back-by-store',
    about: 'A callback that refused is put back by a store: another that is put back is lost.',
    rules: ['R1', 'L4'],
    file: 'core/rcu/queue.js',
    find: 'const found = mem.cas(refused, below, head);',
    replace: `const found = below;
        mem.store(refused, head);`,
    scenario: 'serve-vs-serve+refused',
  },
  {
    name: 'reclaimer-stopped-for-good',
    about: 'Reclaimers that are resumed stay stopped.',
    rules: ['R6'],
    file: 'core/rcu/reclaim.js',
    find: 'mem.store(RECLAIM_STOP, 0);',
    replace: '',
    scenario: 'stop-vs-reclaim+once-more',
  },
  {
    name: 'broken-forgets-the-supply',
    about: 'Who finds a broken rule does not wake those that wait for the supply.',
    rules: ['L3'],
    file: 'core/mem/lock.js',
    find: 'wakeAll(mem, headerWord(HEAP.SUPPLY_LOCK));',
    replace: '',
    scenario: 'broken-vs-waiters+supply',
  },
  {
    name: 'supply-grows-unlocked',
    about: 'The supply grows without its lock.',
    rules: ['S1', 'S2', 'L1'],
    file: 'core/mem/supply.js',
    find: `    acquire(thread, SUPPLY_LOCK);
    const from`,
    replace: '    const from',
    scenario: 'grow-vs-take+supply',
  },
];
