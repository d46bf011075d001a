/** Mutants of the core: the page's callback, and address spaces. */
import type { Mutant } from '../../model/mutant.js';

const CALLBACK = 'core/frag/callback.js';
const MM = 'core/frag/mm.js';
const RCU_CALLBACK = 'core/rcu/callback.js';

const CALLBACK_MUTANTS: readonly Mutant[] = [
  {
    name: 'callback-outside-section',
    about: 'The callbacks of a batch run outside of any read section.',
    rules: ['P5', 'H1'],
    file: RCU_CALLBACK,
    find: 'import { enterBriefly, isReading, leaveBriefly,',
    replace: `const enterBriefly = () => { };
const leaveBriefly = () => { };
import { isReading,`,
    scenario: 'destroy-vs-callback+last-page',
  },
  {
    name: 'single-callback-outside-section',
    about: 'runCallback runs it outside of any read section.',
    rules: ['P5', 'H1'],
    file: RCU_CALLBACK,
    find: `    enterBriefly(thread);
    const callback = callbacks[thread.mem.peek(at(head, RCU_HEAD.CALLBACK))];
    callback(thread, head);
    leaveBriefly(thread);`,
    replace: `    const callback = callbacks[thread.mem.peek(at(head, RCU_HEAD.CALLBACK))];
    callback(thread, head);`,
    scenario: 'destroy-vs-callback+by-hand',
  },
  {
    name: 'callback-never-locks',
    about: 'The callback goes on without the lock though some A is left.',
    rules: ['P4', 'P6'],
    file: CALLBACK,
    find: 'if (!acquireWithin(thread, owner, callbackPatience(thread)))\n        return REFUSED;',
    replace: '',
    scenario: 'alloc-vs-callback+node-moves',
  },
  {
    name: 'callback-always-private',
    about: 'The callback treats every page as its own.',
    rules: ['P4', 'P6'],
    file: CALLBACK,
    find: 'if (owner < 0)',
    replace: 'if (owner !== 1)',
    scenario: 'last-free-vs-callback+two',
  },
  {
    name: 'callback-reads-gate-plainly',
    about: 'The callback reads OWNER by a plain load.',
    rules: ['P3', 'P5'],
    file: CALLBACK,
    find: 'const owner = mem.load((ptdesc + OWNER));',
    replace: 'const owner = mem.peek((ptdesc + OWNER));',
    scenario: 'last-free-vs-callback+two',
  },
  {
    name: 'gate-read-from-words',
    about: 'Whether some A is left is read from the state words, one by one, instead of OWNER.',
    rules: ['P3', 'P5'],
    file: CALLBACK,
    find: 'if (owner < 0)',
    replace: `const hasA = (first) => {
        const word = mem.peek(stateWordOf(ptdesc, first));
        return (~(word | (word >>> 1)) & 0x55555555) !== 0;
    };
    if (!hasA(0) && !hasA(16))`,
    scenario: 'last-free-vs-callback+two-words',
  },
  {
    name: 'callback-frees-next',
    about: 'The callback makes N to F, a grace period too early.',
    rules: ['P10', 'P2'],
    file: CALLBACK,
    find: `const word = stateWordOf(ptdesc, 0);
    const after = ripen(mem.peek(word));`,
    replace: `const word = stateWordOf(ptdesc, 0);
    const after = ripen(ripen(mem.peek(word)));`,
    scenario: 'free-vs-grace+joining',
  },
  {
    name: 'only-first-word-ripens',
    about: 'Of a page with two state words only the first decides whether all is free.',
    rules: ['P3'],
    file: CALLBACK,
    find: 'if (perPage > PER_WORD)',
    replace: 'if (perPage < 0)',
    scenario: 'free-vs-grace+joining-two-words',
  },
  {
    name: 'page-returned-without-A',
    about: 'A page without A is returned though some of it waits for a grace period.',
    rules: ['P3', 'P2'],
    file: CALLBACK,
    find: 'if (ripenPage(mem, ptdesc, kind.perPage) === ALL_FREE)',
    replace: 'if (ripenPage(mem, ptdesc, kind.perPage) <= NO_C)',
    scenario: 'free-vs-grace+joining',
  },
  {
    name: 'head-settled-after-unlock',
    about: 'The lock is let go of before the head is queued again or made idle.',
    rules: ['P7'],
    file: CALLBACK,
    find: `    if (outcome === SOME_C)
        callRcu(thread, head, PAGE_CALLBACK);
    else
        settle(thread, head);
    release(thread, owner);`,
    replace: `    release(thread, owner);
    if (outcome === SOME_C)
        callRcu(thread, head, PAGE_CALLBACK);
    else
        settle(thread, head);`,
    scenario: 'last-free-vs-callback+two',
  },
  {
    name: 'head-idle-with-C-left',
    about: 'The head is made idle though C is left, so nobody comes back for it.',
    rules: ['P6', 'P7', 'P9'],
    file: CALLBACK,
    find: 'if (outcome === SOME_C)',
    replace: 'if (outcome > NO_C)',
    scenario: 'free-vs-grace+joining-four',
  },
  {
    name: 'private-page-not-queued-again',
    about: 'A page without A of which some C are left is forgotten.',
    rules: ['P6', 'P7', 'P9'],
    file: CALLBACK,
    find: 'callRcu(thread, (ptdesc + RCU), PAGE_CALLBACK);',
    replace: '',
    scenario: 'callback-vs-callback+one-page',
  },
  {
    name: 'relist-ignores-holder',
    about: 'A page that is on the list is put there once more.',
    rules: ['P4'],
    file: CALLBACK,
    find: 'mem.peek((ptdesc + HOLDER)) === 0 && ',
    replace: '',
    scenario: 'alloc-vs-callback+node-moves',
  },
  {
    name: 'relist-without-A',
    about: 'A page whose last A went while its callback waited for the lock is listed.',
    rules: ['P4', 'P5', 'P3'],
    file: CALLBACK,
    find: ' && mem.peek((ptdesc + ALLOCATED)) !== 0',
    replace: '',
    scenario: 'last-free-vs-callback+two',
  },
  {
    name: 'callback-never-lists',
    about: 'A page gets no place on the list when it has an F again.',
    rules: ['P4', 'P6', 'H8'],
    file: CALLBACK,
    find: 'if (mem.peek((ptdesc + HOLDER)) === 0 &&',
    replace: 'if (mem.peek((ptdesc + HOLDER)) < 0 &&',
    scenario: 'alloc-vs-free+out-of-pages',
  },
  {
    name: 'returned-while-locked-out',
    about: 'A page that turned out all F under the lock is not returned.',
    rules: ['P9', 'P3'],
    file: CALLBACK,
    find: `release(thread, owner);
        return returnPage(thread, ptdesc);`,
    replace: 'release(thread, owner);\n        return;',
    scenario: 'free-vs-free+one-page',
  },
];

const MM_MUTANTS: readonly Mutant[] = [
  {
    name: 'mm-freed-at-once',
    about: 'The record of an mm is free without a grace period.',
    rules: ['P5', 'H1', 'H6'],
    file: MM,
    find: 'callRcu(thread, at(record, MM.RCU), MM_CALLBACK);',
    replace: 'mmCallback(thread, at(record, MM.RCU));',
    scenario: 'destroy-vs-callback+last-page',
  },
  {
    name: 'mm-record-reused-early',
    about: 'The record is put up for the next mm at once, and only its state waits.',
    rules: ['P5', 'H1'],
    file: MM,
    find: 'callRcu(thread, at(record, MM.RCU), MM_CALLBACK);',
    replace: `acquire(thread, MM_TABLE_LOCK);
    mem.poke(at(record, MM.NEXT), mem.peek(headerWord(HEAP.MM_FREE)));
    mem.poke(headerWord(HEAP.MM_FREE), record);
    release(thread, MM_TABLE_LOCK);
    callRcu(thread, at(record, MM.RCU), MM_CALLBACK);`,
    scenario: 'late-callback-vs-next-mm+record',
  },
  {
    name: 'destroy-ignores-tables',
    about: 'An mm with tables can be destroyed.',
    rules: ['P5', 'P6', 'H10'],
    file: MM,
    find: 'if (tables !== 0 || users !== 0)',
    replace: 'if (users !== 0)',
    scenario: 'destroy-vs-alloc+tables',
  },
  {
    name: 'destroy-ignores-users',
    about: 'An mm that another thread has entered can be destroyed.',
    rules: ['P5', 'H1'],
    file: MM,
    find: 'if (tables !== 0 || users !== 0)',
    replace: 'if (tables !== 0)',
    scenario: 'destroy-vs-alloc+users',
  },
  {
    name: 'dead-mm-entered',
    about: 'An mm that was destroyed can be locked for an operation.',
    rules: ['P5'],
    file: MM,
    find: 'return mem.peek((record + LIFE)) === mm;',
    replace: 'return Math.abs(mem.peek((record + LIFE))) === mm;',
    scenario: 'enter-vs-destroy+users',
  },
  {
    name: 'stale-number-accepted',
    about: 'An mm is live if its record serves any: whose number it was is not compared.',
    rules: ['P11', 'P5'],
    file: MM,
    find: 'return mem.peek((record + LIFE)) === mm;',
    replace: 'return mem.peek((record + LIFE)) > 0;',
    scenario: 'stale-destroy-vs-create+number',
  },
  {
    name: 'generation-not-raised',
    about: 'The next mm of a record gets the number of the last one.',
    rules: ['P11'],
    file: MM,
    find: '(last + heap.mmMask + 1) & MM_MAX',
    replace: 'last',
    scenario: 'stale-alloc-vs-create+number',
  },
  {
    name: 'mm-table-unlocked',
    about: 'A record is taken without the lock of the table.',
    rules: ['P5'],
    file: MM,
    find: 'acquire(thread, MM_TABLE_LOCK);\n    let record = mem.peek(free);',
    replace: 'let record = mem.peek(free);',
    scenario: 'create-vs-destroy+table',
  },
  {
    name: 'mm-record-returned-unlocked',
    about: 'A record is put up for the next mm without the lock of the table.',
    rules: ['P5'],
    file: MM,
    find: 'if (!acquireWithin(thread, MM_TABLE_LOCK, stallMs))\n        return false;',
    replace: '',
    scenario: 'create-vs-destroy+table',
  },
];

export const PAGE_MUTANTS: readonly Mutant[] = [...CALLBACK_MUTANTS, ...MM_MUTANTS];
