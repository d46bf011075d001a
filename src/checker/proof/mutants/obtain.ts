/** Mutants of getting what comes back after a grace period. */
import type { Mutant } from '../../model/mutant.js';

const OBTAIN = 'core/rcu/obtain.js';
const WAIT = 'core/rcu/wait.js';

export const OBTAIN_MUTANTS: readonly Mutant[] = [
  {
    name: 'obtain-looks-once',
    about: 'Who waits for freed memory does not look again when the grace period is over.',
    rules: ['R4'],
    file: OBTAIN,
    find: `if (result !== null)
            return { kind: 'found', result };`,
    replace: `if (result !== null && round === 1)
            return { kind: 'found', result };`,
    scenario: 'obtain-vs-callback+other-queue',
  },
  {
    name: 'obtain-without-barrier',
    about: 'Who finds no memory, and no queue with a free, does not ask for callbacks that run.',
    rules: ['R4'],
    file: OBTAIN,
    find: 'if (round > BARRIERS && ',
    replace: 'if (',
    scenario: 'obtain-vs-callback+other-queue',
  },
  {
    name: 'obtain-never-waits',
    about: 'Who finds no memory does not wait for what was freed.',
    rules: ['R4'],
    file: OBTAIN,
    find: `if (rest !== null)
            return { kind: 'waits', next: { barrier: rest, round } };`,
    replace: `if (rest !== null)
            return { kind: 'in-vain' };`,
    scenario: 'obtain-vs-reader+table',
  },
  {
    name: 'barrier-once',
    about: 'A barrier does not wait for what its callbacks put off.',
    rules: ['R3'],
    file: WAIT,
    find: 'barriers = BARRIERS',
    replace: 'barriers = 1',
    scenario: 'barrier-vs-reader+put-off',
  },
  {
    name: 'wait-never-sleeps-again',
    about: 'Who waits looks once more after a sleep, and no more.',
    rules: ['G1'],
    file: WAIT,
    find: 'while (!isOver()) {',
    replace: 'if (!isOver()) {',
    scenario: 'barrier-vs-reader+put-off',
  },
];
