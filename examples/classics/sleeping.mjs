/** Sleep and wake: every wake-up must find its sleeper. */
import { classic, threads } from './classic.mjs';

const lostWakeup = classic(
  'lost-wakeup',
  'The wake-up may come before the sleep: sleep only if nothing changed.',
  ['READY', 'BELL'],
  threads(2, (memory, isRight) => {
    const [READY, BELL] = [0, 1];
    const waits = () => {
      while (memory.load(READY) === 0) memory.awaitChange(isRight ? READY : BELL, 0);
    };
    const says = () => {
      memory.store(READY, 1);
      memory.notify(isRight ? READY : BELL);
    };
    return { threads: [[waits], [says]] };
  }),
);

const silentUnlock = classic(
  'silent-unlock',
  'Who sleeps for a lock leaves a mark in it: else nobody is woken.',
  ['LOCK'],
  threads(3, (memory, isRight) => {
    // 0 free, 1 taken, 2 taken and somebody sleeps.
    const lock = () => {
      if (memory.cas(0, 0, 1) === 0) return;
      const mark = isRight ? 2 : 1;
      while (memory.exchange(0, mark) !== 0) memory.awaitChange(0, mark);
    };
    const pass = () => {
      lock();
      if (memory.exchange(0, 0) === 2) memory.notify(0, 1);
    };
    return { threads: [[pass], [pass], [pass]] };
  }),
);

const oneBell = classic(
  'one-bell',
  'Two kinds of sleepers on one word: waking one may wake the wrong kind.',
  ['SLOT'],
  threads(4, (memory, isRight) => {
    const ring = () => (isRight ? memory.notify(0) : memory.notify(0, 1));
    const move = (from, to) => () => {
      while (memory.cas(0, from, to) !== from) memory.awaitChange(0, to);
      ring();
    };
    const [put, get] = [move(0, 1), move(1, 0)];
    return { threads: [[get], [get], [put], [put]] };
  }),
);

const barrierReuse = classic(
  'barrier-reuse',
  'A barrier that is used again counts its rounds, or a sleeper misses one.',
  ['COUNT', 'ROUND'],
  threads(2, (memory, isRight) => {
    const [COUNT, ROUND] = [0, 1];
    const meet = () => {
      const round = memory.load(ROUND);
      if (memory.add(COUNT, 1) === 1) {
        memory.store(COUNT, 0);
        memory.add(ROUND, 1);
        memory.notify(isRight ? ROUND : COUNT);
      } else if (isRight) {
        while (memory.load(ROUND) === round) memory.awaitChange(ROUND, round);
      } else {
        while (memory.load(COUNT) !== 0) memory.awaitChange(COUNT, 1);
      }
    };
    return {
      threads: [
        [meet, meet],
        [meet, meet],
      ],
    };
  }),
);

export const SLEEPING = [lostWakeup, silentUnlock, oneBell, barrierReuse];
