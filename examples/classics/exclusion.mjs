/** One at a time: locks, and what is lost without them. */
import { acquire, classic, release, threads } from './classic.mjs';

const increment = (memory, word) => memory.poke(word, memory.peek(word) + 1);

const lostUpdate = classic(
  'lost-update',
  "A load and a store are two steps: another thread's store falls between.",
  ['COUNT'],
  threads(2, (memory, isRight) => {
    const count = () => {
      if (isRight) memory.add(0, 1);
      else memory.store(0, memory.load(0) + 1);
    };
    const atEnd = () => (memory.peek(0) === 2 ? null : `2 additions made ${memory.peek(0)}`);
    return { threads: [[count], [count]], atEnd };
  }),
);

const peterson = classic(
  'peterson',
  'Say first that you want to enter, then give way, or both may get in.',
  ['WANTS 0', 'WANTS 1', 'TURN', 'COUNT'],
  threads(2, (memory, isRight, assume) => {
    const TURN = 2;
    const enter = (self) => () => {
      const other = 1 - self;
      if (isRight) memory.store(self, 1);
      memory.store(TURN, other);
      if (!isRight) memory.store(self, 1);
      // Of the executions only those count in which it need not wait.
      assume(memory.load(other) === 0 || memory.load(TURN) === self);
      increment(memory, 3);
      memory.store(self, 0);
    };
    return { threads: [[enter(0)], [enter(1)]] };
  }),
);

const storeBuffering = classic(
  'store-buffering',
  'Of two atomic stores one is seen at least; plain ones promise nothing.',
  ['X', 'Y'],
  threads(2, (memory, isRight) => {
    const store = (word) => (isRight ? memory.store(word, 1) : memory.poke(word, 1));
    const load = (word) => (isRight ? memory.load(word) : memory.peek(word));
    const side = (mine, theirs) => () => {
      store(mine);
      return load(theirs);
    };
    const atEnd = ([[first], [second]]) => (first + second > 0 ? null : 'neither saw the other');
    return { threads: [[side(0, 1)], [side(1, 0)]], atEnd };
  }),
);

const twoLocks = classic(
  'two-locks',
  'Locks taken in two orders wait for each other: give them one order.',
  ['LOCK A', 'LOCK B'],
  threads(2, (memory, isRight) => {
    const both = (first, second) => () => {
      acquire(memory, first);
      acquire(memory, second);
      release(memory, second);
      release(memory, first);
    };
    return { threads: [[both(0, 1)], [isRight ? both(0, 1) : both(1, 0)]] };
  }),
);

export const EXCLUSION = [lostUpdate, peterson, storeBuffering, twoLocks];
