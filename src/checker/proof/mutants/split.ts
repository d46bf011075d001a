/**
 * Mutants of splitting a large frame, of trees that grow or end, of walks that need the lock or do
 * not, and of the words of an entry.
 */
import type { Mutant } from '../../model/mutant.js';

const ENTRY = 'core/pgtable/entry.js';
const SPACE = 'core/pgtable/space.js';

export const SPLIT_MUTANTS: readonly Mutant[] = [
  {
    name: 'split-links-before-it-fills',
    about: 'The table of small pages is linked first, and filled after it.',
    rules: ['T2', 'T3'],
    file: 'core/pgtable/collapse.js',
    find: `        fillParts(space, deposited, frameAddress(level, low), format.protOf(LARGE, low));
        const link = tableLow(level, deposited);
        intendLink(thread, deposited, record, lowWord(entry), link);
        changeEntry(thread, level, entry, link, level.tableHigh);`,
    replace: `        const link = tableLow(level, deposited);
        intendLink(thread, deposited, record, lowWord(entry), link);
        changeEntry(thread, level, entry, link, level.tableHigh);
        fillParts(space, deposited, frameAddress(level, low), format.protOf(LARGE, low));`,
    scenario: 'walk-vs-split+one-table',
  },
  {
    name: 'high-word-after-low',
    about: 'An entry is set with its low word first: for an instant it has the high word of none.',
    rules: ['T2'],
    file: ENTRY,
    find: `    mem.store(highWord(entry), high);
    // PUBLISH(entry): as above.
    mem.store(lowWord(entry), low);`,
    replace: `    mem.store(lowWord(entry), low);
    mem.store(highWord(entry), high);`,
    scenario: 'cpu-vs-fault+two-words',
  },
  {
    name: 'high-word-cleared-first',
    about: 'An entry is cleared with its high word first: for an instant it has that of none.',
    rules: ['T2'],
    file: ENTRY,
    find: `    mem.store(lowWord(entry), emptyLow);
    mem.store(highWord(entry), emptyHigh);`,
    replace: `    mem.store(highWord(entry), emptyHigh);
    mem.store(lowWord(entry), emptyLow);`,
    scenario: 'cpu-vs-remap+two-words',
  },
  {
    name: 'high-word-changed-in-place',
    about: 'An entry is not none while its high word is exchanged.',
    rules: ['T2'],
    file: ENTRY,
    find: `    mem.store(lowWord(entry), level.emptyLow);
    mem.store(highWord(entry), high);`,
    replace: '    mem.store(highWord(entry), high);',
    scenario: 'cpu-vs-collapse+x86-no-exec',
  },
  {
    name: 'low-word-changed-first',
    about: 'An entry that changes has its new low word before its new high one.',
    rules: ['T2'],
    file: ENTRY,
    find: `    mem.store(lowWord(entry), level.emptyLow);
    mem.store(highWord(entry), high);
    mem.store(lowWord(entry), low);`,
    replace: `    mem.store(lowWord(entry), level.emptyLow);
    mem.store(lowWord(entry), low);
    mem.store(highWord(entry), high);
    mem.store(lowWord(entry), low);`,
    scenario: 'cpu-vs-split+radix',
  },
  {
    name: 'every-change-by-none',
    about: 'An entry is none for an instant though its high word stays what it is.',
    rules: ['T3'],
    file: ENTRY,
    find: `    if (mem.load(highWord(entry)) === high) {
        mem.store(lowWord(entry), low);
        return;
    }
    beginChange(thread, entry, low, high);`,
    replace: '    beginChange(thread, entry, low, high);',
    scenario: 'walk-vs-collapse+s390',
  },
  {
    name: 'large-page-keeps-table-words',
    about: 'A large frame is given the high word that its entry had with a table.',
    rules: ['T2'],
    file: 'core/pgtable/collapse.js',
    find: 'changeEntry(thread, level, entry, low, format.leafHigh(LARGE, address, prot));',
    replace: 'changeEntry(thread, level, entry, low, mem.load(entry + 1));',
    scenario: 'cpu-vs-collapse+radix',
  },
  {
    name: 'large-page-looked-at-unlocked',
    about: 'Whoever asks for a large frame looks when the lock of the table is let go of.',
    rules: ['T2'],
    file: 'core/pgtable/collapse.js',
    find: `    const low = mem.load(lowWord(entryFor(format, LARGE, above, vpn)));
    release(thread, tableLock(heap, above));`,
    replace: `    release(thread, tableLock(heap, above));
    const low = mem.load(lowWord(entryFor(format, LARGE, above, vpn)));`,
    scenario: 'look-vs-protect+x86',
  },
  {
    name: 'shortage-hides-what-is-mapped',
    about: 'A fault that gets no table does not look whether the page needs one.',
    rules: ['T2'],
    file: 'core/pgtable/install.js',
    find: 'const table = tryLockTable(space, vpn, below + 1);',
    replace: `if (fresh === null)
        return 'no-page';
    const table = tryLockTable(space, vpn, below + 1);`,
    scenario: 'fault-vs-collapse+no-page-left',
  },
  {
    name: 'root-replaced-by-store',
    about: 'The table above the top one is linked by a store, over what another linked there.',
    rules: ['T1', 'P6'],
    file: SPACE,
    find: 'const isOurs = mem.cas(word, root, above | depth) === root;',
    replace: `mem.store(word, above | depth);
    const isOurs = root !== 0;`,
    scenario: 'grow-vs-grow+root',
  },
  {
    name: 'top-table-freed-before-unlinked',
    about: 'The top table of a space that ends is freed while walks still find it.',
    rules: ['T1', 'T3', 'H6'],
    file: SPACE,
    find: `    mem.store(rootWord(record), 0);
    freeTable(thread, mm, top, true);`,
    replace: `    freeTable(thread, mm, top, true);
    mem.store(rootWord(record), 0);`,
    scenario: 'exit-vs-walk+two-writers',
  },
  {
    name: 'walk-takes-the-lock',
    about: 'Every walk takes the lock of a table, and waits for whoever has it.',
    rules: ['T3', 'L2'],
    file: 'core/pgtable/walk.js',
    find: `        if (found !== CHANGED)
            return found;`,
    replace: '',
    scenario: 'walk-vs-holder+locked-tables',
  },
  {
    name: 'walk-to-the-top-takes-the-lock',
    about: 'A walk that ends in the top table asks the table above it, which is none, too.',
    rules: ['T3', 'L2'],
    file: 'core/pgtable/walk.js',
    find: 'if (above !== 0 && mem.load(above) !== named)',
    replace: 'if (mem.load(above) !== named)',
    scenario: 'walk-vs-holder+locked-tables',
  },
  {
    name: 'locked-walk-without-tree',
    about: 'A walk that comes with the lock when the space has ended gives what is no frame.',
    rules: ['T3'],
    file: 'core/pgtable/walk.js',
    find: `    if (locked === null)
        return NOT_MAPPED;`,
    replace: `    if (locked === null)
        return CHANGED;`,
    scenario: 'walk-vs-exit+no-rest',
  },
  {
    name: 'scan-looks-behind-table',
    about: 'A look at all pages of a table goes on to the first entry of the table behind.',
    rules: ['T1', 'P2'],
    file: 'core/pgtable/map.js',
    find: 'while (index < entries && isNone(',
    replace: 'while (index <= entries && isNone(',
    scenario: 'scan-vs-fault+table-behind',
  },
  {
    name: 'flush-loads-then-stores',
    about: 'A flush is a load and a store: one that is late takes others back.',
    rules: ['T4'],
    file: 'core/pgtable/tlb.js',
    find: 'thread.mem.add(at(record, MM.FLUSHES), 1);',
    replace: `const flushes = thread.mem.load(at(record, MM.FLUSHES));
    thread.mem.store(at(record, MM.FLUSHES), flushes + 1);`,
    scenario: 'tlb-vs-unmap+other-flush',
  },
];
