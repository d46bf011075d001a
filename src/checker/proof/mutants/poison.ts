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
    find: 'poison(thread.mem, table, kind.fragmentWords);',
    replace: '',
    scenario: 'write-vs-alloc-vs-alloc+last-word',
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
    find: 'if (!acquireWithin(thread, owner, thread.lockWaits.stallMs)) {',
    replace: `if (heap.debug)
        recordFree(thread, table, 0);
    if (!acquireWithin(thread, owner, thread.lockWaits.stallMs)) {`,
    scenario: 'free-vs-free+same-block',
  },
];
