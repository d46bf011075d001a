/** Mutants of variants A and Y: the safeguards that stand where the core has its lock. */
import type { Mutant } from '../../model/mutant.js';

const ALLOC = 'core/variants/alloc.js';
const FREE = 'core/variants/free.js';
const EAGER = 'core/variants/eager.js';
const LAZY = 'core/variants/lazy.js';
const WORDS = 'core/variants/words.js';

/** Frees an mm's record at once: 160 and 161 are the mm table's lock and its first free record. */
const RECORD_AT_ONCE = `acquire(thread, 160);
    mem.poke(at(record, MM.NEXT), mem.peek(161));
    mem.poke(161, record);
    release(thread, 160);`;

const EAGER_MUTANTS: readonly Mutant[] = [
  {
    name: 'A-alloc-looks-once',
    about: 'Alloc does not look for an F again after it took the page off the list.',
    rules: ['P4', 'P6'],
    file: ALLOC,
    find: 'if (free >= 0)',
    replace: 'if (free > 256)',
    scenario: 'A/alloc-vs-callback+node-moves',
  },
  {
    name: 'A-free-outside-section',
    about: 'A free is no read section: its page may be returned before it is off the list.',
    rules: ['P3', 'P4'],
    file: EAGER,
    find: 'enterBriefly(thread);\n    const { kind',
    replace: 'const leaveBriefly = () => { };\n    const { kind',
    scenario: 'A/free-vs-callback+listed',
  },
  {
    name: 'A-callback-outside-section',
    about: 'Callbacks run outside of any read section.',
    rules: ['P5', 'H1'],
    file: 'core/rcu/callback.js',
    find: 'import { enterBriefly, isReading, leaveBriefly,',
    replace: `const enterBriefly = () => { };
const leaveBriefly = () => { };
import { isReading,`,
    scenario: 'A/destroy-vs-callback+last-page',
  },
  {
    name: 'A-relist-without-A',
    about: 'Under the lock it is not asked again whether some A is left.',
    rules: ['P4', 'P5'],
    file: EAGER,
    find: 'if (mayList && hasSomeA(thread, ptdesc, kind.perPage))',
    replace: 'if (mayList)',
    scenario: 'A/destroy-vs-callback+last-page',
  },
  {
    name: 'A-relist-ignores-holder',
    about: 'Under the lock it is not asked again whether the page is listed.',
    rules: ['P4'],
    file: EAGER,
    find: 'free >= 0 && mem.load(at(ptdesc, HOLDER)) === 0',
    replace: 'free >= 0',
    scenario: 'A/alloc-vs-callback+node-moves',
  },
  {
    name: 'A-relist-without-F',
    about: 'Under the lock it is not asked again whether some F is left.',
    rules: ['P4', 'P2'],
    file: EAGER,
    find: 'const mayList = free >= 0 && mem',
    replace: 'const mayList = mem',
    scenario: 'A/alloc-vs-callback+taken-again',
  },
  {
    name: 'A-free-unlists-twice',
    about: 'The last free takes the page off its list though it is on none.',
    rules: ['P4'],
    file: EAGER,
    find: 'const holder = mem.load(at(ptdesc, HOLDER));',
    replace: 'const holder = mem.load(at(ptdesc, HOLDER)) || found.index + 1;',
    scenario: 'A/free-vs-free+one-page',
  },
  {
    name: 'A-last-free-does-not-unlist',
    about: 'A page without A stays on the list.',
    rules: ['P3', 'P4'],
    file: EAGER,
    find: 'if (isLast)',
    replace: 'if (!found)',
    scenario: 'A/free-vs-callback+listed',
  },
  {
    name: 'A-always-current',
    about: 'A free is C though a callback is pending, whose grace period may have begun.',
    rules: ['P10', 'P2'],
    file: WORDS,
    find: 'bitsOfC(before) !== 0 ? N : C',
    replace: 'C',
    scenario: 'A/free-vs-grace+joining',
  },
  {
    name: 'A-callback-frees-next',
    about: 'The callback makes N to F, a grace period too early.',
    rules: ['P10', 'P2'],
    file: WORDS,
    find: 'const after = ripen(before);',
    replace: 'const after = ripen(ripen(before));',
    scenario: 'A/free-vs-grace+joining',
  },
  {
    name: 'A-page-returned-without-A',
    about: 'A page without A is returned though some of it waits for a grace period.',
    rules: ['P3', 'P2'],
    file: EAGER,
    find: 'if (!isAllFree(after, first, perPage))',
    replace: 'if (hasA(after, first, perPage))',
    scenario: 'A/free-vs-grace+joining',
  },
  {
    name: 'A-mm-freed-at-once',
    about: 'The record of an mm is free without a grace period.',
    rules: ['P5', 'H1', 'H6'],
    file: FREE,
    find: 'callRcu(thread, at(record, MM.RCU), MM_CALLBACK);',
    replace: RECORD_AT_ONCE,
    scenario: 'A/destroy-vs-callback+last-page',
  },
  {
    name: 'A-pending-not-looked-at-again',
    about: 'An N that came between the words and PENDING = 0 waits for nobody.',
    rules: ['P6', 'P7', 'P9'],
    file: EAGER,
    find: 'if (someN(mem, ptdesc, perPage))',
    replace: 'if (perPage < 0)',
    scenario: 'A/last-free-vs-callback+two-words',
  },
  {
    name: 'A-queued-before-settled',
    about: 'The head is queued before the N are made C: one may be newer than the grace period.',
    rules: ['P10', 'P2'],
    file: EAGER,
    find: `    settleNext(thread.mem, ptdesc, perPage);
    callRcu(thread, at(ptdesc, RCU), PAGE_CALLBACK);`,
    replace: `    callRcu(thread, at(ptdesc, RCU), PAGE_CALLBACK);
    settleNext(thread.mem, ptdesc, perPage);`,
    scenario: 'A/free-vs-grace+two-frees',
  },
];

const LAZY_MUTANTS: readonly Mutant[] = [
  {
    name: 'Y-word-looked-at-once',
    about: 'A page on no list is returned without another look at its word.',
    rules: ['P3', 'P1'],
    file: LAZY,
    find: 'if (!isAllFree(mem.load(word), 0, kind.perPage))\n            return;',
    replace: '',
    scenario: 'Y/alloc-vs-callback+rescue',
  },
  {
    name: 'Y-destroy-leaves-list',
    about: 'An mm ends with draining pages on its list.',
    rules: ['P5', 'H1', 'H10'],
    file: LAZY,
    find: 'emptyList(thread, partialList(owner, kind));',
    replace: 'partialList(owner, kind);',
    scenario: 'Y/destroy-vs-callback+no-table',
  },
  {
    name: 'Y-rescue-not-noticed',
    about: 'Under the lock it is not asked again whether the page is all F.',
    rules: ['P3', 'P1'],
    file: LAZY,
    find: 'const rescued = !isAllFree(mem.load(word), 0, kind.perPage);',
    replace: 'const rescued = false;',
    scenario: 'Y/alloc-vs-callback+rescue',
  },
  {
    name: 'Y-unlisted-twice',
    about: 'Under the lock it is not asked again whether the page is still listed.',
    rules: ['P4'],
    file: LAZY,
    find: `    acquire(thread, owner);
    const rescued = !isAllFree(mem.load(word), 0, kind.perPage);
    const holder = mem.load(at(ptdesc, HOLDER));`,
    replace: `    const holder = mem.load(at(ptdesc, HOLDER));
    acquire(thread, owner);
    const rescued = !isAllFree(mem.load(word), 0, kind.perPage);`,
    scenario: 'Y/destroy-vs-callback+draining',
  },
  {
    name: 'Y-destroy-clears-holder-first',
    about: 'HOLDER is 0 while the page is still on the list that is being emptied.',
    rules: ['P3', 'P4'],
    file: LAZY,
    find: `        listDelete(mem, node);
        mem.store(at(ptdesc, HOLDER), 0);
    }
}`,
    replace: `        mem.store(at(ptdesc, HOLDER), 0);
        listDelete(mem, node);
    }
}`,
    scenario: 'Y/destroy-vs-callback+no-table',
  },
  {
    name: 'Y-always-current',
    about: 'A free is C though a callback is pending, whose grace period may have begun.',
    rules: ['P10', 'P2'],
    file: WORDS,
    find: 'bitsOfC(before) !== 0 ? N : C',
    replace: 'C',
    scenario: 'Y/free-vs-grace+joining',
  },
  {
    name: 'Y-callback-never-lists',
    about: 'A page gets no place on the list when it has an F again.',
    rules: ['P4', 'P6', 'H8'],
    file: LAZY,
    find: 'if (hasA(after, 0, perPage)',
    replace: 'if (perPage < 0',
    scenario: 'Y/alloc-vs-free+out-of-pages',
  },
  {
    name: 'Y-mm-freed-at-once',
    about: 'The record of an mm is free without a grace period.',
    rules: ['P5', 'H1', 'H6'],
    file: FREE,
    find: 'callRcu(thread, at(record, MM.RCU), MM_CALLBACK);',
    replace: RECORD_AT_ONCE,
    scenario: 'Y/destroy-vs-callback+no-table',
  },
];

export const VARIANT_MUTANTS: readonly Mutant[] = [...EAGER_MUTANTS, ...LAZY_MUTANTS];
