/** What one thread wrote, another reads: in which order, and whether it is still there. */
import { acquire, classic, release, threads } from './classic.mjs';

const messagePassing = classic(
  'message-passing',
  'Data first, then the flag by an atomic access: that orders plain data.',
  ['DATA', 'FLAG'],
  threads(2, (memory, isRight) => {
    const [DATA, FLAG] = [0, 1];
    const send = () => {
      if (isRight) memory.poke(DATA, 7);
      memory.store(FLAG, 1);
      if (!isRight) memory.poke(DATA, 7);
    };
    const receive = () => (memory.load(FLAG) === 1 ? memory.peek(DATA) : 7);
    return { threads: [[send], [receive]] };
  }),
);

const doubleChecked = classic(
  'double-checked',
  'Who looks without the lock must find the object made: publish it last.',
  ['LOCK', 'POINTER', 'OBJECT'],
  threads(2, (memory, isRight) => {
    const [LOCK, POINTER, OBJECT] = [0, 1, 2];
    const make = () => {
      if (!isRight) memory.store(POINTER, OBJECT);
      memory.poke(OBJECT, 7);
      if (isRight) memory.store(POINTER, OBJECT);
    };
    const get = () => {
      if (memory.load(POINTER) === 0) {
        acquire(memory, LOCK);
        if (memory.load(POINTER) === 0) make();
        release(memory, LOCK);
      }
      return memory.peek(memory.load(POINTER));
    };
    return { threads: [[get], [get]] };
  }),
);

const sequenceLock = classic(
  'sequence-lock',
  'An odd number means a writer at work: equal numbers are not enough.',
  ['NUMBER', 'A', 'B'],
  threads(2, (memory, isRight) => {
    const [NUMBER, A, B] = [0, 1, 2];
    const write = () => {
      memory.add(NUMBER, 1);
      memory.store(A, 1);
      memory.store(B, 1);
      memory.add(NUMBER, 1);
    };
    const read = () => {
      const before = memory.load(NUMBER);
      const pair = `${memory.load(A)}${memory.load(B)}`;
      const isWhole = memory.load(NUMBER) === before && (before % 2 === 0 || !isRight);
      return isWhole ? pair : 'again';
    };
    const atEnd = ([, [pair]]) => (pair === '10' || pair === '01' ? `read ${pair}` : null);
    return { threads: [[write], [read]], atEnd };
  }),
);

const pointerTag = classic(
  'pointer-tag',
  'A pointer that is the same again may have been away (ABA): count, too.',
  ['HEAD', 'NEXT OF 1', 'NEXT OF 2', 'NEXT OF 3'],
  threads(2, (memory, isRight) => {
    // A stack of the nodes 1, 2 and 3; HEAD is a node, and above it a count.
    const node = (head) => head & 7;
    const headOf = (top, old) => (isRight ? ((old >> 3) + 1) << 3 : 0) | top;
    memory.poke(0, 1);
    memory.poke(1, 2);
    memory.poke(2, 3);
    const pop = () => {
      for (;;) {
        const head = memory.load(0);
        if (node(head) === 0) return 0;
        const next = memory.load(node(head));
        if (memory.cas(0, head, headOf(next, head)) === head) return node(head);
      }
    };
    const push = (top) => {
      for (;;) {
        const head = memory.load(0);
        memory.store(top, node(head));
        if (memory.cas(0, head, headOf(top, head)) === head) return;
      }
    };
    const swap = () => {
      const [first, second] = [pop(), pop()];
      push(first);
      return second;
    };
    const atEnd = ([[one], [two]]) => {
      const left = [];
      for (let at = node(memory.peek(0)); at !== 0 && left.length < 4; at = memory.peek(at)) {
        left.push(at);
      }
      const all = [one, two, ...left].filter((each) => each !== 0).sort();
      return all.join() === '1,2,3' ? null : `the nodes are now ${all.join()}`;
    };
    return { threads: [[pop], [swap]], atEnd };
  }),
);

export const PUBLICATION = [messagePassing, doubleChecked, sequenceLock, pointerTag];
