/** Mutants of page tables: walks, and what changes entries and tables under them. */
import type { Mutant } from '../../model/mutant.js';

const COLLAPSE = 'core/pgtable/collapse.js';
const ENTRY = 'core/pgtable/entry.js';
const FORK = 'core/pgtable/fork.js';
const INSTALL = 'core/pgtable/install.js';
const LOCK = 'core/pgtable/lock.js';
const MAP = 'core/pgtable/map.js';
const SPACE = 'core/pgtable/space.js';
const TLB = 'core/pgtable/tlb.js';
const WALK = 'core/pgtable/walk.js';

export const TREE_MUTANTS: readonly Mutant[] = [
  {
    name: 'walk-does-not-look-again',
    about: 'A walk does not read again the entry that named the table.',
    rules: ['T3'],
    file: WALK,
    find: 'if (above !== 0 && mem.load(above) !== named)',
    replace: 'if (above < 0)',
    scenario: 'walk-vs-collapse+one-table',
  },
  {
    name: 'entry-written-in-two',
    about: 'An entry becomes valid by two stores: its frame, then its rights.',
    rules: ['T2', 'T3'],
    file: ENTRY,
    find: `    // PUBLISH(entry): as above.
    mem.store(lowWord(entry), low);`,
    replace: `    mem.store(lowWord(entry), low & ~0xf8);
    mem.store(lowWord(entry), low);`,
    scenario: 'walk-vs-remap+two-words',
  },
  {
    name: 'high-word-decides',
    about: 'A walk takes what a page allows from the high word.',
    rules: ['T2', 'T3'],
    file: WALK,
    find: 'isLeaf(level, low) ? pack(format, number, low, page) : NOT_MAPPED;',
    replace: `!isLeaf(level, low) ? NOT_MAPPED
                : pack(format, number, (low & ~0xf8) | (mem.load(word + 1) << 3), page);`,
    scenario: 'walk-vs-remap+two-words',
  },
  {
    name: 'table-freed-before-unlinked',
    about: 'An empty table is freed while the entry above still names it.',
    rules: ['T1', 'T3', 'P2'],
    file: INSTALL,
    find: `        const table = lockTable(space, vpn, below + 1);
        if (table === 0)
            return;
        const entry = entryFor(format, below + 1, table, vpn);
        const child = childOf(mem, level, entry);
        // Both locks: under its own nobody fills the table while we see that it is empty, and
        // under the upper one nobody else unlinks it.
        const lower = tableLock(heap, child);
        if (child !== 0 && !acquireWithin(thread, lower, thread.lockWaits.stallMs)) {
            release(thread, tableLock(heap, table));
            throw lockStalled(thread, lower, STILL_LINKED);
        }
        const empty = child !== 0 && isEmptyTable(space, below, child);
        if (empty) {
            const slot = lowWord(entry);
            intendLink(thread, child, record, slot, mem.load(slot));
            // From here on nobody who does not have the table already finds it.
            clearEntry(thread, level, entry);
        }
        if (child !== 0)
            release(thread, lower);
        release(thread, tableLock(heap, table));
        if (!empty)
            return;
        // No lock is held, and none is needed: who still has the table finds it empty and can
        // lock it, until the section ends in which it was found (H6).
        freeTable(thread, mm, child, true);`,
    replace: `        const child = findTable(space, vpn, below);
        if (child === 0 || !isEmptyTable(space, below, child))
            return;
        freeTable(thread, mm, child);
        const table = lockTable(space, vpn, below + 1);
        clearEntry(thread, level, entryFor(format, below + 1, table, vpn));
        release(thread, tableLock(heap, table));`,
    scenario: 'walk-vs-unmap+two-writers',
  },
  {
    name: 'lock-freed-with-table',
    about: 'The lock of a table is made anew when the table is freed.',
    rules: ['H6', 'T2'],
    file: INSTALL,
    find: 'freeTable(thread, mm, child, true);\n    }',
    replace: 'freeTable(thread, mm, child);\n        mem.store(tableLock(heap, child), 0);\n    }',
    scenario: 'fault-vs-fault+sibling-freed',
  },
  {
    name: 'table-not-found-again',
    about: "Whoever has a table's lock does not look whether the table is still linked.",
    rules: ['T1', 'T2', 'H6'],
    file: LOCK,
    find: 'if (findTable(space, vpn, number) === table)',
    replace: 'if (table !== 0)',
    scenario: 'fault-vs-unmap+emptied-table',
  },
  {
    name: 'reclaim-leaves-lower-unlocked',
    about: 'A table is found empty and taken out without its own lock.',
    rules: ['T1', 'T2'],
    file: INSTALL,
    find: 'child !== 0 && !acquireWithin(thread, lower, thread.lockWaits.stallMs)',
    replace: 'child < 0',
    scenario: 'fault-vs-unmap+emptied-table',
  },
  {
    name: 'reclaim-does-not-ask',
    about: 'A table is taken out without another look whether it is empty.',
    rules: ['T1', 'T2'],
    file: INSTALL,
    find: 'child !== 0 && isEmptyTable(space, below, child)',
    replace: 'child !== 0',
    scenario: 'fault-vs-unmap+emptied-table',
  },
  {
    name: 'second-table-linked-over-first',
    about: 'A fault links its table though another was faster.',
    rules: ['T1'],
    file: INSTALL,
    find: 'const none = isNone(mem, level, entry);',
    replace: 'const none = true;',
    scenario: 'fault-vs-fault+no-table',
  },
  {
    name: 'loser-keeps-its-table',
    about: 'A fault that lost the race does not give its table back.',
    rules: ['T1', 'P6'],
    file: INSTALL,
    find: 'freeTable(thread, mm, fresh, true);\n    return other',
    replace: 'return other',
    scenario: 'fault-vs-fault+no-table',
  },
  {
    name: 'tree-node-not-erased',
    about: 'A table is handed out with the words of a list node in it.',
    rules: ['T2', 'H4'],
    file: 'core/frag/alloc.js',
    find: 'if (!heap.debug)\n            eraseNode(mem, node, kind);',
    replace: '',
    scenario: 'fault-vs-fault+list-node',
  },
  {
    name: 'collapse-empties-first',
    about: 'Collapse empties the table before the entry above is changed.',
    rules: ['T3'],
    file: COLLAPSE,
    find:
      'changeEntry(thread, level, entry, low, format.leafHigh(LARGE, address, prot));\n' +
      '    const pte',
    replace: `for (let index = 0; index < 2; index++)
        clearEntry(thread, levelOf(format, PTE), at(table, index * ENTRY_WORDS));
    changeEntry(thread, level, entry, low, format.leafHigh(LARGE, address, prot));
    const pte`,
    scenario: 'walk-vs-collapse+one-table',
  },
  {
    name: 'collapse-leaves-lower-unlocked',
    about: 'Collapse does not take the lock of the table that it retracts.',
    rules: ['T1', 'T2'],
    file: COLLAPSE,
    find: '!acquireWithin(thread, lower, thread.lockWaits.stallMs)',
    replace: 'lower === 0',
    scenario: 'fault-vs-collapse+same-table',
  },
  {
    name: 'stall-keeps-upper-lock',
    about: 'A collapse that gives up waiting for the lower lock keeps the upper one.',
    rules: ['L4', 'L1', 'L2'],
    file: COLLAPSE,
    find: 'release(thread, tableLock(heap, above));\n        throw',
    replace: 'throw',
    scenario: 'stall-vs-collapse+one-table',
  },
  {
    name: 'stall-inside-section',
    about: 'Whoever gives up waiting for a table stays in the section in which it found the table.',
    rules: ['L4', 'P9', 'G1'],
    file: LOCK,
    find: 'leaveBriefly(thread);\n            return { error',
    replace: 'return { error',
    scenario: 'stall-vs-collapse+one-table',
  },
  {
    name: 'fork-leaves-parent-writable',
    about: 'The parent may still write what its child shares.',
    rules: ['T3'],
    file: FORK,
    find: 'if (readOnly !== low)',
    replace: 'if (readOnly === 0)',
    scenario: 'fork-vs-unmap+one-table',
  },
  {
    name: 'fork-keeps-prepared-table',
    about: 'A table prepared for small pages stays where the child gets a large one.',
    rules: ['T1'],
    file: FORK,
    find: 'reclaimEmpty(child, vpn);\n    const outcome',
    replace: ';\n    const outcome',
    scenario: 'fork-vs-collapse+one-table',
  },
  {
    name: 'root-outlives-tree',
    about: 'A space that has ended still names its top table.',
    rules: ['T1', 'T3', 'H1'],
    file: SPACE,
    find: 'mem.store(rootWord(record), 0);',
    replace: '',
    scenario: 'exit-vs-walk+tables',
  },
  {
    name: 'stale-handle-walks',
    about: 'A handle finds the tree of whichever mm its record serves by now.',
    rules: ['P11', 'T3'],
    file: SPACE,
    find: 'return thread.mem.glance((record + LIFE)) === mm ? root : 0;',
    replace: 'return root;',
    scenario: 'stale-walk-vs-create+handle',
  },
  {
    name: 'unmap-does-not-flush',
    about: 'No TLB hears of what was unmapped.',
    rules: ['T4'],
    file: MAP,
    find: `        flush(space);
    release(thread, tableLock(thread.heap, table));
    if (changed === PARTIAL)
        return { kind: 'large', vpn };
    if (empty)`,
    replace: `        ;
    release(thread, tableLock(thread.heap, table));
    if (changed === PARTIAL)
        return { kind: 'large', vpn };
    if (empty)`,
    scenario: 'tlb-vs-unmap+flushed',
  },
  {
    name: 'unmap-flushes-unlocked',
    about: 'Unmapping lets go of the table before it flushes, and others unmap the page too.',
    rules: ['T4'],
    file: MAP,
    find: `        flush(space);
    release(thread, tableLock(thread.heap, table));
    if (changed === PARTIAL)
        return { kind: 'large', vpn };
    if (empty)`,
    replace: `        ;
    release(thread, tableLock(thread.heap, table));
    if (changed > 0)
        flush(space);
    if (empty)`,
    scenario: 'tlb-vs-unmap+twice',
  },
  {
    name: 'unmap-flushes-late',
    about: 'The same, and others map the page anew.',
    rules: ['T4'],
    file: MAP,
    find: `        flush(space);
    release(thread, tableLock(thread.heap, table));
    if (changed === PARTIAL)
        return { kind: 'large', vpn };
    if (empty)`,
    replace: `        ;
    release(thread, tableLock(thread.heap, table));
    if (changed > 0)
        flush(space);
    if (empty)`,
    scenario: 'tlb-vs-unmap+mapped-anew',
  },
  {
    name: 'protect-flushes-unlocked',
    about: 'What pages allow is changed, and the table let go of before TLBs hear of it.',
    rules: ['T4'],
    file: MAP,
    find: `        flush(space);
    release(thread, tableLock(thread.heap, table));
    if (changed === PARTIAL)
        return { kind: 'large', vpn };
    return`,
    replace: `        ;
    release(thread, tableLock(thread.heap, table));
    if (changed > 0)
        flush(space);
    return`,
    scenario: 'tlb-vs-protect+seen',
  },
  {
    name: 'fork-flushes-unlocked',
    about: 'A fork lets go of the table of its parent before TLBs hear that it is read-only.',
    rules: ['T4'],
    file: FORK,
    find: `        flush(parent);
    release(thread, tableLock(thread.heap, locked.table));`,
    replace: `        ;
    release(thread, tableLock(thread.heap, locked.table));
    if (changed > 0)
        flush(parent);`,
    scenario: 'tlb-vs-fork+seen',
  },
  {
    name: 'collapse-flushes-unlocked',
    about: 'A collapse lets go of its tables before TLBs hear of the large frame.',
    rules: ['T4'],
    file: COLLAPSE,
    find: `flush(space);
    release(thread, lower);
    release(thread, tableLock(heap, above));`,
    replace: `release(thread, lower);
    release(thread, tableLock(heap, above));
    flush(space);`,
    scenario: 'tlb-vs-collapse+seen',
  },
  {
    name: 'tlb-filled-with-later-number',
    about: 'The number of flushes is read after the walk that fills a slot.',
    rules: ['T4'],
    file: TLB,
    find: 'memory.poke((slot + SLOT.FLUSHES), flushes);',
    replace: 'memory.poke((slot + SLOT.FLUSHES), thread.mem.load(at(record, MM.FLUSHES)));',
    scenario: 'tlb-vs-unmap+flushed',
  },
  {
    name: 'tlb-keeps-nothing',
    about: 'A TLB keeps that nothing was found, of an entry that was none for an instant.',
    rules: ['T4'],
    file: TLB,
    find: `if (found === NOT_MAPPED)
        return found;`,
    replace: '',
    scenario: 'tlb-vs-split+x86',
  },
];
