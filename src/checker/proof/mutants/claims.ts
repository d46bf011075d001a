/** Mutants of who recovers what, and of what a thread leaves beside its operations. */
import type { Mutant } from '../../model/mutant.js';

const ATTACHED = 'core/rcu/attached.js';
const RECOVERER = 'core/rcu/recoverer.js';
const QUEUE_REPAIR = 'core/rcu/queue-repair.js';
const RECOVER = 'core/frag/recover.js';
const MM = 'core/frag/mm.js';
const UNMAKE = 'core/pgtable/unmake.js';

export const CLAIM_MUTANTS: readonly Mutant[] = [
  {
    name: 'claimed-by-store',
    about: 'Who recovers looks whether a record is to be had, and takes it by a store.',
    rules: ['R7'],
    file: ATTACHED,
    find: 'const found = mem.cas(at(record, THREAD.ATTACHED), whose, claimed(by, whose));',
    replace: `const found = mem.load(at(record, THREAD.ATTACHED));
    if (found === whose) mem.store(at(record, THREAD.ATTACHED), claimed(by, whose));`,
    scenario: 'recover-vs-recover+attach',
  },
  {
    name: 'claimed-whosever-it-is',
    about: 'Who recovers does not ask whose a record is by now.',
    rules: ['R7'],
    file: ATTACHED,
    find: 'return found === whose ? handleOn(by, dead) : null;',
    replace: 'return handleOn(by, dead);',
    scenario: 'recover-vs-recover+attach',
  },
  {
    name: 'claims-of-dead-left',
    about: 'What a dead thread was recovering is left.',
    rules: ['R7'],
    file: RECOVERER,
    find: 'claimed.every((id) => recoverClaimed(by, handleOn(by, id), recover)) && recover(dead);',
    replace: 'recover(dead);',
    scenario: 'die-vs-recover+claimed',
  },
  {
    name: 'claims-of-dead-late',
    about: 'A dead thread is recovered first, and what it was recovering afterwards.',
    rules: ['R7'],
    file: RECOVERER,
    find: 'claimed.every((id) => recoverClaimed(by, handleOn(by, id), recover)) && recover(dead);',
    replace:
      'recover(dead) && claimed.every((id) => recoverClaimed(by, handleOn(by, id), recover));',
    scenario: 'die-vs-recover+taken-over',
  },
  {
    name: 'claims-of-dead-forgotten',
    about: 'A dead thread is recovered though what it was recovering could not be.',
    rules: ['R7'],
    file: RECOVERER,
    find: 'claimed.every((id) => recoverClaimed(by, handleOn(by, id), recover)) && recover(dead);',
    replace: 'claimed.map((id) => recoverClaimed(by, handleOn(by, id), recover)) && recover(dead);',
    scenario: 'die-vs-recover+in-the-way',
  },
  {
    name: 'claim-not-given-up',
    about: 'Who can not recover keeps the record all the same.',
    rules: ['R7'],
    file: RECOVERER,
    find: 'giveUp(dead);',
    replace: '',
    scenario: 'recover-vs-recover+given-up',
  },
  {
    name: 'attaching-thread-unseen',
    about: 'Who recovers looks at the records alone that grace periods look at.',
    rules: ['R7'],
    file: ATTACHED,
    find: 'for (let id = 0; id < heap.threadsMax; id++) {',
    replace: 'for (let id = 0; id < heap.mem.load(34); id++) {',
    scenario: 'die+attach',
  },
  {
    name: 'dead-user-stays',
    about: 'A thread that died stays a user of the mms that it had entered.',
    rules: ['P6'],
    file: RECOVER,
    find: '    leaveAllMms(dead);\n',
    replace: '',
    scenario: 'die-vs-destroy+user',
  },
  {
    name: 'dead-reclaimer-stays',
    about: 'A reclaimer that died is counted on still.',
    rules: ['R6'],
    file: QUEUE_REPAIR,
    find: 'removeThread(mem, RECLAIMERS, id);',
    replace: '',
    scenario: 'die+reclaim',
  },
  {
    name: 'maker-unsaid',
    about: 'A thread does not say that it makes a space.',
    rules: ['P6'],
    file: MM,
    find: 'isPart ? id + 1 : 0);',
    replace: '0);',
    scenario: 'die+make-space',
  },
  {
    name: 'made-space-left',
    about: 'The spaces that a dead thread was making are left.',
    rules: ['P6'],
    file: RECOVER,
    find: '    unmake(dead);\n',
    replace: '',
    scenario: 'die+make-space',
  },
  {
    name: 'space-never-handed-out',
    about: "A space that was handed out stays its maker's alone.",
    rules: ['T1'],
    file: MM,
    find: 'mem.store(at(mmRecord(heap, mm), MM.MAKER), 0);',
    replace: '',
    scenario: 'die+make-space',
  },
  {
    name: 'ender-unsaid',
    about: 'A thread does not say that it ends a space.',
    rules: ['P6'],
    file: MM,
    find: 'mem.store(at(mmRecord(heap, mm), MM.MAKER), id + 1);',
    replace: '',
    scenario: 'die+end-space',
  },
  {
    name: 'maker-said-late',
    about: 'An mm lives before its record says who makes it.',
    rules: ['P11'],
    file: MM,
    find: `    mem.store(at(record, MM.MAKER), isPart ? id + 1 : 0);
    const mm = nextNumber(heap, record);
    // Before the mm has a tree: OBSERVE(root) relies on it (pgtable/space.ts).
    mem.store(at(record, MM.LIFE), mm);`,
    replace: `    const mm = nextNumber(heap, record);
    mem.store(at(record, MM.LIFE), mm);
    mem.store(at(record, MM.MAKER), isPart ? id + 1 : 0);`,
    scenario: 'die-vs-create+maker',
  },
  {
    name: 'unmade-mm-not-ended',
    about: 'Of a space that a dead thread was making the mm is left.',
    rules: ['P6'],
    file: UNMAKE,
    find: '    destroyMm(thread, mm);\n',
    replace: '',
    scenario: 'die+make-space',
  },
];
