/** Mutants of debug heaps: poison, and who freed. */
import type { Mutant } from '../../model/mutant.js';

const ALLOC = 'core/frag/alloc.js';
const CALLBACK = 'core/frag/callback.js';
const FREE = 'core/frag/free.js';
const POISON = 'core/frag/poison.js';

export const POISON_MUTANTS: readonly Mutant[] = [
  {
    name: 'poison-at-free',
    about: 'A block is poisoned when it is freed, while a reader may be in it.',
    rules: ['P2', 'U1'],
    file: FREE,
    find: 'const allocated = mem.peek((ptdesc + ALLOCATED));',
    replace: `if (heap.debug)
        mem.fill(table, kind.fragmentWords, ${0xdeadf4ee | 0});
    const allocated = mem.peek((ptdesc + ALLOCATED));`,
    scenario: 'reader-vs-poison+block',
  },
  {
    name: 'poison-in-next',
    about: 'The callback poisons N too, a grace period too early.',
    rules: ['P2', 'P10', 'U1'],
    file: POISON,
    find: 'if (getState(heap.mem, ptdesc, index) !== C)',
    replace: 'if ((getState(heap.mem, ptdesc, index) + 1 & 2) === 0)',
    scenario: 'reader-vs-poison+block',
  },
  {
    name: 'poison-without-lock',
    about: 'The callback poisons before it has the lock.',
    rules: ['P2', 'U1'],
    file: CALLBACK,
    find: 'if (!acquireWithin(thread, owner, callbackPatience(thread)))',
    replace: `poisonRipe(heap, ptdesc, heap.kinds[mem.peek((ptdesc + KIND))]);
    if (!acquireWithin(thread, owner, callbackPatience(thread)))`,
    scenario: 'alloc-vs-poison+one-page',
  },
  {
    name: 'poison-forgotten',
    about: 'The callback poisons nothing, so what is free looks as if somebody wrote there.',
    rules: ['U1'],
    file: CALLBACK,
    find: 'if (heap.debug)\n        poisonRipe(heap, ptdesc, kind);\n    const outcome',
    replace: 'const outcome',
    scenario: 'alloc-vs-poison+one-page',
  },
  {
    name: 'poison-handed-out',
    about: 'A table is handed out with the poison in it.',
    rules: ['H4', 'U1'],
    file: ALLOC,
    find: 'if (kind.hasResidue || heap.debug)',
    replace: 'if (kind.hasResidue)',
    scenario: 'alloc-vs-poison+one-page',
  },
  {
    name: 'poison-not-restored',
    about: 'What was written after the free stays there, so every call is refused for it.',
    rules: ['U1'],
    file: ALLOC,
    find: 'restore(thread.heap, written);\n    throw refused',
    replace: 'throw refused',
    scenario: 'write-vs-alloc-vs-alloc+last-word',
  },
  {
    name: 'new-page-not-looked-at',
    about: 'What was written into a page that nobody took yet is wiped unseen.',
    rules: ['U1'],
    file: POISON,
    find: 'const expected = isNew(heap, page) ? 0 : POISON;',
    replace: 'if (isNew(heap, page))\n            continue;\n        const expected = POISON;',
    scenario: 'write-vs-alloc-vs-alloc+new-page',
  },
  {
    name: 'new-page-poisoned-in-part',
    about: 'A block that was written becomes poison in a page that is 0 everywhere else.',
    rules: ['U1'],
    file: POISON,
    find: 'heap.mem.fill(first, words, expected);',
    replace: 'heap.mem.fill(first, words, POISON);\n    void expected;',
    scenario: 'write-vs-alloc-vs-alloc+new-page',
  },
  {
    name: 'new-page-not-noted',
    about: 'A page that is taken for the first time looks afterwards as if nobody took it.',
    rules: ['U1'],
    file: POISON,
    find: 'heap.mem.fill(freedByWord(heap, page), words, noteOf(kindId));',
    replace: 'void words;',
    scenario: 'alloc-vs-destroy+new-page',
  },
  {
    name: 'refused-with-lock',
    about: 'Who is told of a write after the free keeps the lock.',
    rules: ['L1', 'U1'],
    file: ALLOC,
    find: 'throw refused(thread, owner, writeAfterFree(written, null));',
    replace: 'void owner;\n    throw writeAfterFree(written, null);',
    scenario: 'write-vs-alloc-vs-alloc+first-word',
  },
  {
    name: 'freed-by-without-lock',
    about: 'Who frees a block says so before the lock is taken.',
    rules: ['U1', 'X9'],
    file: FREE,
    find: `if (!acquireWithin(thread, owner, thread.lockWaits.stallMs))
        return STALLED;`,
    replace: `if (heap.debug)
        recordFree(thread, table, 0);
    if (!acquireWithin(thread, owner, thread.lockWaits.stallMs))
        return STALLED;`,
    scenario: 'free-vs-free+same-block',
  },
];
