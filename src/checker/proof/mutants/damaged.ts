/** Mutants that believe what a damaged heap says. */
import type { Mutant } from '../../model/mutant.js';

export const DAMAGED_MUTANTS: readonly Mutant[] = [
  {
    name: 'circle-followed',
    about: 'A queue is followed as long as it goes on.',
    rules: ['P12'],
    file: 'core/rcu/queue.js',
    find: 'const most = Math.min(max, headsOf(heap));',
    replace: 'const most = max;',
    scenario: 'damaged-queue-vs-alloc+circle',
  },
  {
    name: 'no-owner-locked',
    about:
      'A page that nobody has is locked as if its owner began with the first word of the heap.',
    rules: ['P12'],
    file: 'core/frag/callback.js',
    find: 'if (owner === 0)',
    replace: 'if (owner === 1)',
    scenario: 'damaged-page-vs-alloc+no-owner',
  },
];
