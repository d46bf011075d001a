/** Giving memory back while others may still read it. */
import { classic, threads } from './classic.mjs';

/** Writes over what was given back, as its next user would. */
const reuse = (memory, word) => memory.poke(word, -1);

const lastReference = classic(
  'last-reference',
  'A count that reached 0 stays 0: take only from a count that is not.',
  ['POINTER', 'COUNT', 'OBJECT'],
  threads(2, (memory, isRight) => {
    const [POINTER, COUNT, OBJECT] = [0, 1, 2];
    memory.poke(POINTER, OBJECT);
    memory.poke(COUNT, 1);
    const take = () => {
      if (!isRight) return memory.add(COUNT, 1) > -1;
      for (let count = memory.load(COUNT); count > 0; count = memory.load(COUNT)) {
        if (memory.cas(COUNT, count, count + 1) === count) return true;
      }
      return false;
    };
    const put = () => {
      if (memory.add(COUNT, -1) === 1) reuse(memory, OBJECT);
    };
    const use = () => {
      if (memory.load(POINTER) === 0 || !take()) return;
      memory.peek(OBJECT);
      put();
    };
    const drop = () => {
      memory.store(POINTER, 0);
      put();
    };
    return { threads: [[use], [drop]] };
  }),
);

const hazardPointer = classic(
  'hazard-pointer',
  'Before you announce a pointer its object may go: read it once more.',
  ['POINTER', 'HAZARD', 'OBJECT'],
  threads(2, (memory, isRight) => {
    const [POINTER, HAZARD, OBJECT] = [0, 1, 2];
    memory.poke(POINTER, OBJECT);
    const read = () => {
      const found = memory.load(POINTER);
      memory.store(HAZARD, found);
      const isStill = !isRight || memory.load(POINTER) === found;
      if (found !== 0 && isStill) memory.peek(found);
      memory.store(HAZARD, 0);
    };
    const remove = () => {
      memory.store(POINTER, 0);
      if (memory.load(HAZARD) !== OBJECT) reuse(memory, OBJECT);
    };
    return { threads: [[read], [remove]] };
  }),
);

const gracePeriod = classic(
  'grace-period',
  'Unlinking hides an object from new readers only: wait for the old ones.',
  ['POINTER', 'READING', 'OBJECT'],
  threads(2, (memory, isRight) => {
    const [POINTER, READING, OBJECT] = [0, 1, 2];
    memory.poke(POINTER, OBJECT);
    const read = () => {
      memory.store(READING, 1);
      const found = memory.load(POINTER);
      if (found !== 0) memory.peek(found);
      memory.store(READING, 0);
      memory.notify(READING);
    };
    const remove = () => {
      memory.store(POINTER, 0);
      while (isRight && memory.load(READING) === 1) memory.awaitChange(READING, 1);
      reuse(memory, OBJECT);
    };
    return { threads: [[read], [remove]] };
  }),
);

export const RECLAMATION = [lastReference, hazardPointer, gracePeriod];
