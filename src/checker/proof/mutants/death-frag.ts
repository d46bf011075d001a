/** Mutants of what a thread says of a table or an mm before it dies, and what is done about it. */
import type { Mutant } from '../../model/mutant.js';

const ALLOC = 'core/frag/alloc.js';
const FREE = 'core/frag/free.js';
const MMS = 'core/frag/mm.js';
const REPAIR = 'core/frag/repair.js';
const RECOVER = 'core/frag/recover.js';

const FRAG_MUTANTS: readonly Mutant[] = [
  {
    name: 'alloc-unsaid',
    about: 'A thread does not say which fragment it takes from a listed page.',
    rules: ['P6'],
    file: ALLOC,
    find: 'intendTable(thread, INTENT.ALLOC, table, record, before);',
    replace: '',
    scenario: 'die-vs-free+alloc-last',
  },
  {
    name: 'alloc-said-done-early',
    about: 'A thread says that it has allocated while it has the lock still.',
    rules: ['P6'],
    file: ALLOC,
    find: `    intendHold(thread);
    release(thread, owner);
    // P2`,
    replace: `    intendNothing(thread);
    release(thread, owner);
    // P2`,
    scenario: 'die-vs-free+alloc-last',
  },
  {
    name: 'fresh-unsaid',
    about: 'A thread does not say which table of a fresh page it takes.',
    rules: ['P6'],
    file: ALLOC,
    find: 'intendTable(thread, INTENT.ALLOC, page, record, before);',
    replace: '',
    scenario: 'die+alloc-fresh',
  },
  {
    name: 'hand-emptied-before-owner',
    about: 'A thread lets its page out of the hand before the owner has it.',
    rules: ['P6'],
    file: ALLOC,
    find: `    mem.store((ptdesc + OWNER), owner);
    emptyHand(thread);`,
    replace: `    emptyHand(thread);
    mem.store((ptdesc + OWNER), owner);`,
    scenario: 'die+alloc-fresh',
  },
  {
    name: 'free-unsaid',
    about: 'A thread does not say which table it frees.',
    rules: ['P6'],
    file: FREE,
    find: 'intendTable(thread, INTENT.FREE, table, record, others);',
    replace: '',
    scenario: 'die-vs-alloc+free-last',
  },
  {
    name: 'free-said-done-late',
    about:
      'A thread says that a free is done when the lock is free, and the table may be used again.',
    rules: ['P1'],
    file: FREE,
    find: `    freeUnderLock(thread, owner, record, table, index);
    release(thread, owner);`,
    replace: `    freeUnderLock(thread, owner, record, table, index);
    intendTable(thread, INTENT.HOLD, table, record, 0);
    release(thread, owner);
    intendNothing(thread);`,
    scenario: 'die-vs-serve+freed-again',
  },
  {
    name: 'owner-left-unrepaired',
    about: 'The lock of an owner is let go of with the lists that the dead thread left.',
    rules: ['P4'],
    file: RECOVER,
    find: '        repairOwner(dead, owner);\n',
    replace: '',
    scenario: 'die-vs-free+alloc-last',
  },
  {
    name: 'alloc-taken-back-late',
    about: "An allocation that changed nothing is finished when the fragment may be another's.",
    rules: ['P1'],
    file: REPAIR,
    find: `    if (index < 0)
        intendNothing(dead);`,
    replace: `    if (index < 0)
        intendHold(dead);`,
    scenario: 'die-vs-alloc+last-fragment',
  },
  {
    name: 'tables-not-counted',
    about: 'The mm counts a table that the dead thread did not come to count.',
    rules: ['P6'],
    file: REPAIR,
    find: 'mem.poke(tablesWord(record), index < 0 ? others : others + 1);',
    replace: '',
    scenario: 'die-vs-free+alloc-last',
  },
  {
    name: 'allocated-not-counted',
    about: 'The page counts fragments that the dead thread did not come to count.',
    rules: ['P3', 'P4'],
    file: REPAIR,
    find: 'mem.poke(at(ptdesc, PTDESC.ALLOCATED), allocated);',
    replace: '',
    scenario: 'die-vs-free+alloc-last',
  },
  {
    name: 'last-free-not-finished',
    about: "A page without a table left stays its owner's.",
    rules: ['P5', 'P6'],
    file: REPAIR,
    find: `        if (allocated === 0)
            mem.store(at(ptdesc, PTDESC.OWNER), -owner);`,
    replace: '',
    scenario: 'die-vs-recover+free-last',
  },
  {
    name: 'free-finished-unlocked',
    about: 'A free whose head is queued is finished when the callback may have run for nothing.',
    rules: ['P4', 'P10'],
    file: REPAIR,
    find: `    else
        freeUnderLock(dead, owner, record, table, index);`,
    replace: `    else
        intendHold(dead);`,
    scenario: 'die-vs-serve+freed-again',
  },
  {
    name: 'half-ripe-page-put-back',
    about: 'A page whose states are ripened in part is put back, and what is C now ripens at once.',
    rules: ['P10'],
    file: REPAIR,
    find: `    if (mem.peek(head) === HEAD_IDLE)
        settle(dead, head);
    else
        queueAgain(dead, head);`,
    replace: `    if (mem.peek(head) === HEAD_IDLE)
        settle(dead, head);`,
    scenario: 'reader-vs-die+callback',
  },
  {
    name: 'private-page-put-back',
    about: 'The same of a page without a table left.',
    rules: ['P10'],
    file: RECOVER,
    find: `    queueAgain(dead, head);
    return mem.peek(running) === 0 || returnPage(dead, ptdesc) !== REFUSED;`,
    replace: '    return true;',
    scenario: 'reader-vs-die+callback-alone',
  },
];

const MM_MUTANTS: readonly Mutant[] = [
  {
    name: 'make-unsaid',
    about: 'A thread does not say which record it takes for an mm.',
    rules: ['P6'],
    file: MMS,
    find: `        record = mmRecordAt(heap, mem.peek(high));
        intendRecord(thread, INTENT.MAKE, record);`,
    replace: '        record = mmRecordAt(heap, mem.peek(high));',
    scenario: 'die-vs-create+mm',
  },
  {
    name: 'make-used-unsaid',
    about: 'A thread does not say which free record it takes for an mm.',
    rules: ['P6'],
    file: MMS,
    find: `        intendRecord(thread, INTENT.MAKE, record);
        mem.poke(free, mem.peek(at(record, MM.NEXT)));`,
    replace: '        mem.poke(free, mem.peek(at(record, MM.NEXT)));',
    scenario: 'die+create-used-record',
  },
  {
    name: 'end-unsaid',
    about: 'A thread does not say which mm it ends.',
    rules: ['P6'],
    file: MMS,
    find: 'intendRecord(thread, INTENT.END, record);',
    replace: '',
    scenario: 'die-vs-serve+end-mm',
  },
  {
    name: 'end-outlasts-section',
    about: 'A thread ends its section before it says that an mm has ended: the record may be free.',
    rules: ['P7'],
    file: MMS,
    find: `    intendNothing(thread);
    release(thread, owner);
    leaveBriefly(thread);`,
    replace: `    leaveBriefly(thread);
    intendNothing(thread);
    release(thread, owner);`,
    scenario: 'die-vs-serve+end-mm',
  },
];

const TREE_MUTANTS: readonly Mutant[] = [
  {
    name: 'link-unsaid',
    about: 'A thread does not say where it links a table.',
    rules: ['T1', 'P6'],
    file: 'core/pgtable/install.js',
    find: 'intendLink(thread, fresh, record, lowWord(entry), low);',
    replace: '',
    scenario: 'walk-vs-die+link',
  },
  {
    name: 'table-held-no-longer',
    about: 'A thread that is to link a table says too early that it does not have it alone.',
    rules: ['P6', 'T1'],
    file: 'core/pgtable/install.js',
    find: '    const table = tryLockTable(space, vpn, below + 1);',
    replace: `    intendNothing(thread);
    const table = tryLockTable(space, vpn, below + 1);`,
    scenario: 'walk-vs-die+link',
  },
  {
    name: 'unlink-unsaid',
    about: 'A thread does not say which table it takes out.',
    rules: ['P6', 'T1'],
    file: 'core/pgtable/install.js',
    find: 'intendLink(thread, child, record, slot, mem.load(slot));',
    replace: '',
    scenario: 'walk-vs-die+unlink',
  },
  {
    name: 'collapsed-table-unsaid',
    about: 'A thread does not say which table becomes a large frame.',
    rules: ['P6', 'T1'],
    file: 'core/pgtable/collapse.js',
    find: 'intendLink(thread, table, record, lowWord(entry), tableLow(level, table));',
    replace: '',
    scenario: 'walk-vs-die+collapse',
  },
  {
    name: 'linked-table-freed',
    about: 'A table that the dead thread had linked is freed.',
    rules: ['T1', 'P1'],
    file: 'core/pgtable/repair.js',
    find: '    settleLink(dead);\n',
    replace: '',
    scenario: 'walk-vs-die+link',
  },
  {
    name: 'table-left-locked',
    about: 'The locks of tables that the dead thread held are left.',
    rules: ['L1', 'L2'],
    file: 'core/pgtable/repair.js',
    find: 'release(dead, lock);',
    replace: '',
    scenario: 'walk-vs-die+unlink',
  },
];

export const FRAG_DEATH_MUTANTS: readonly Mutant[] = [
  ...FRAG_MUTANTS,
  ...MM_MUTANTS,
  ...TREE_MUTANTS,
];
