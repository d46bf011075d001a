/** Mutants of what a thread says of blocks and heads before it dies, and what is done about it. */
import type { Mutant } from '../../model/mutant.js';

const SUPPLY = 'core/mem/supply.js';
const SUPPLY_REPAIR = 'core/mem/supply-repair.js';
const CALLBACK = 'core/rcu/callback.js';
const QUEUE = 'core/rcu/queue.js';
const QUEUE_REPAIR = 'core/rcu/queue-repair.js';
const RECOVER = 'core/frag/recover.js';

const SUPPLY_MUTANTS: readonly Mutant[] = [
  {
    name: 'hand-said-late',
    about: 'A thread says which block it takes when that is out already.',
    rules: ['P6'],
    file: SUPPLY,
    find: `        mem.poke(at(record, THREAD.HAND), pfn + 1);
        mem.poke(at(ptdescOf(heap, pfn), PTDESC.BLOCK), -(order + 1));`,
    replace: `        mem.poke(at(ptdescOf(heap, pfn), PTDESC.BLOCK), -(order + 1));
        mem.poke(at(record, THREAD.HAND), pfn + 1);`,
    scenario: 'die-vs-take+supply',
  },
  {
    name: 'hand-unsaid-on-return',
    about: 'A thread does not say which block it returns.',
    rules: ['P6'],
    file: SUPPLY,
    find: 'mem.poke(at(record, THREAD.HAND), -(pfn + 1));',
    replace: '',
    scenario: 'die-vs-alloc+callback-return',
  },
  {
    name: 'hand-emptied-after-unlock',
    about: 'A thread forgets the block that it returned when another may have that.',
    rules: ['P1', 'P6'],
    file: SUPPLY,
    find: `    emptyHand(thread);
    release(thread, SUPPLY_LOCK);`,
    replace: `    release(thread, SUPPLY_LOCK);
    emptyHand(thread);`,
    scenario: 'die-vs-take+supply',
  },
  {
    name: 'supply-not-remade',
    about: 'The supply is let go of with the lists that the dead thread left.',
    rules: ['S1', 'S2'],
    file: SUPPLY_REPAIR,
    find: 'remakeLists(dead);',
    replace: '',
    scenario: 'die-vs-take+supply',
  },
  {
    name: 'hand-emptied-before-remade',
    about: 'Who recovers forgets the block in hand before the lists are made.',
    rules: ['S2'],
    file: SUPPLY_REPAIR,
    find: `    remakeLists(dead);
    // Only now: who recovers what this recovery leaves must come by here.
    emptyHand(dead);
    release(dead, SUPPLY_LOCK);`,
    replace: `    emptyHand(dead);
    release(dead, SUPPLY_LOCK);
    remakeLists(dead);`,
    scenario: 'die-vs-recover+supply',
  },
];

const QUEUE_MUTANTS: readonly Mutant[] = [
  {
    name: 'pushing-unsaid',
    about: 'A thread does not say which head it queues.',
    rules: ['P6'],
    file: CALLBACK,
    find: 'mem.poke((record + PUSHING), head);',
    replace: '',
    scenario: 'die-vs-serve+queueing',
  },
  {
    name: 'pushed-by-the-top-alone',
    about: 'A head is queued once more if it is not on top of the queue, though it was taken.',
    rules: ['P7', 'R1'],
    file: QUEUE_REPAIR,
    find: 'return top === head && topFor === mem.peek(at(record, THREAD.PUSHING_FOR));',
    replace: 'return top < 0 && topFor < 0;',
    scenario: 'die-vs-serve+queueing',
  },
  {
    name: 'pushed-for-any-grace-period',
    about: 'A head counts as queued if it was on top of the queue once, for another grace period.',
    rules: ['P6'],
    file: QUEUE_REPAIR,
    find: 'top === head && topFor === mem.peek(at(record, THREAD.PUSHING_FOR))',
    replace: 'top === head && topFor !== 0',
    scenario: 'die-vs-serve+queueing',
  },
  {
    name: 'rest-said-late',
    about: 'A thread says which heads it takes when they are out of the queue already.',
    rules: ['P6'],
    file: QUEUE,
    find: `    mem.poke(at(own, THREAD.REST), first);`,
    replace: '',
    scenario: 'die-vs-serve+running',
  },
  {
    name: 'running-unsaid',
    about: 'A thread does not say whose callback it runs.',
    rules: ['P6'],
    file: CALLBACK,
    find: 'mem.poke(running, head);',
    replace: '',
    scenario: 'die-vs-serve+running',
  },
  {
    name: 'settled-silently',
    about: 'A head that was settled is still RUNNING when somebody may queue it again.',
    rules: ['P7'],
    file: CALLBACK,
    find: `    mem.poke(head, HEAD_IDLE);
    mem.poke((record + RUNNING), 0);`,
    replace: '    mem.poke(head, HEAD_IDLE);',
    scenario: 'die-vs-free+callback',
  },
  {
    name: 'put-back-untold',
    about: 'Who takes a head that was put back does not say so.',
    rules: ['R1', 'P7'],
    file: QUEUE,
    find: 'mem.store(at(threadRecord(heap, thread), THREAD.PUT_BACK), head);',
    replace: '',
    scenario: 'die-vs-serve+refused',
  },
  {
    name: 'batch-not-taken-back',
    about: 'A stack that did not become the batch yet is left in both places.',
    rules: ['R1', 'P7'],
    file: QUEUE_REPAIR,
    find: 'mem.store(waiting, 0);',
    replace: '',
    scenario: 'die-vs-serve+running',
  },
  {
    name: 'chain-not-taken-back',
    about: 'Heads that the dead thread did not take yet are put back all the same.',
    rules: ['R1', 'P7'],
    file: QUEUE_REPAIR,
    find: `        // The chain was not taken.
        mem.poke(rest, 0);`,
    replace: '',
    scenario: 'die-vs-serve+refused',
  },
  {
    name: 'rest-left',
    about: 'Heads that the dead thread had still to run are left.',
    rules: ['P6'],
    file: RECOVER,
    find: '    putBackRest(dead);\n',
    replace: '',
    scenario: 'die-vs-free+callback',
  },
];

export const DEATH_MUTANTS: readonly Mutant[] = [...SUPPLY_MUTANTS, ...QUEUE_MUTANTS];
