/** Mutants of what is broken off half-way, and of threads that end inside a section. */
import type { Mutant } from '../../model/mutant.js';

const READER = 'core/rcu/reader.js';

export const BROKEN_OFF_MUTANTS: readonly Mutant[] = [
  {
    name: 'section-counted-first',
    about: 'A section is counted before it is published, and is broken off in between.',
    rules: ['G1'],
    file: READER,
    find: 'if (depth === 0) {\n',
    replace: 'mem.poke(nesting, depth + 1);\n    if (depth === 0) {\n',
    scenario: 'broken-reader-vs-synchronize+next-section',
  },
  {
    name: 'ended-thread-still-counts',
    about: 'A thread that ends inside sections leaves one of them only.',
    rules: ['G1'],
    file: READER,
    find: 'mem.poke(nestingWord(thread), 0);',
    replace: 'rcuReadUnlock(thread);',
    scenario: 'ending-reader-vs-synchronize+next-thread',
  },
];
