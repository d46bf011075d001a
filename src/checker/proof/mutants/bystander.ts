/** Mutants of threads that serve others' queues: offline ones, and reclaimers. */
import type { Mutant } from '../../model/mutant.js';

const READER = 'core/rcu/reader.js';
const RECLAIM = 'core/rcu/reclaim.js';

export const BYSTANDER_MUTANTS: readonly Mutant[] = [
  {
    name: 'brief-section-stays-online',
    about: 'An offline thread that had a section of its own stays online after it.',
    rules: ['R5'],
    file: READER,
    find: `    mem.poke(at(record, THREAD.BRIEFLY_ONLINE), 0);
    rcuOffline(thread);`,
    replace: '    mem.poke(at(record, THREAD.BRIEFLY_ONLINE), 0);',
    scenario: 'offline-vs-grace+served-queue',
  },
  {
    name: 'stop-before-reclaim-is-lost',
    about: 'A reclaimer takes back, when it begins, that it is to stop.',
    rules: ['R6'],
    file: RECLAIM,
    find: 'addThread(mem, RECLAIMERS, thread.id);',
    replace: 'addThread(mem, RECLAIMERS, thread.id), mem.store(RECLAIM_STOP, 0);',
    scenario: 'stop-vs-reclaim+early',
  },
];
