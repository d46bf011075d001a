/**
 * The guest: its program, its memory before it starts, and what must be there when it ends.
 *
 * A ring of nodes, one a page, in random order. A CPU goes round. It adds up each node's values, and
 * counts in it: in words that all CPUs share (atomically), and in a word of its own (plainly).
 * Whatever page is lost, stale or mixed up, some sum or count is wrong.
 */
import { assemble } from './assemble.mjs';
import { CODE_SPANS, PAGE_WORDS, pageAt, SPAN_PAGES } from './machine.mjs';

/**
 * Words of a node: the next node, a count of each CPU's own, counts that all share, the values.
 * Shared counts have 32 bits, all else has 64.
 */
const NODE = { NEXT: 0, OWN: 2, COUNTS: 64, VALUES: 128, END: 256 };

export const PROGRAM = `
  # a0 node, a1 nodes to go, a2 sum, a3 = 1, a4 where in a node this CPU counts
visit:
  addi  t1, a0, ${NODE.VALUES * 4}
  addi  t2, a0, ${NODE.END * 4}
value:
  ld    t0, 0(t1)
  add   a2, a2, t0
  addi  t1, t1, 8
  bne   t1, t2, value
  addi  t1, a0, ${NODE.COUNTS * 4}
  addi  t2, a0, ${NODE.VALUES * 4}
count:
  amoadd.w zero, a3, (t1)
  addi  t1, t1, 4
  bne   t1, t2, count
  add   t3, a0, a4
  ld    t0, 0(t3)
  addi  t0, t0, 1
  sd    t0, 0(t3)
  ld    a0, 0(a0)
  addi  a1, a1, -1
  bne   a1, zero, visit
  ecall
`;

/** Registers to start with, by name. */
export function registersFor(cpu, { first, nodes }, rounds) {
  return { a0: first, a1: nodes * rounds, a3: 1, a4: (NODE.OWN + 2 * cpu) * 4 };
}

/** Writes code and nodes into the store; returns what is known of the ring. */
export function writeGuest({ store, spans }, random) {
  store.set(assemble(PROGRAM));
  const begin = CODE_SPANS * SPAN_PAGES;
  const order = Array.from({ length: spans * SPAN_PAGES - begin }, (_, index) => begin + index);
  shuffle(order, random);
  let total = 0n;
  order.forEach((page, place) => {
    const next = pageAt(order[(place + 1) % order.length]);
    const node = page * PAGE_WORDS;
    store.set([next | 0, Math.floor(next / 2 ** 32)], node + NODE.NEXT);
    for (let word = node + NODE.VALUES; word < node + NODE.END; word += 2) {
      const [low, high] = [random.below(2 ** 32), random.below(2 ** 32)];
      store.set([low | 0, high | 0], word);
      total += (BigInt(high) << 32n) | BigInt(low);
    }
  });
  return { first: pageAt(order[0]), nodes: order.length, total };
}

function shuffle(list, random) {
  for (let end = list.length - 1; end > 0; end--) {
    const other = random.below(end + 1);
    [list[end], list[other]] = [list[other], list[end]];
  }
}

/** What a CPU has added up that has gone round so often. */
export function expectedSum({ total }, rounds) {
  return BigInt.asIntN(64, total * BigInt(rounds));
}

/** All that was counted in the node in these words: atomically, and plainly. */
export function countsOf(words, node) {
  let [shared, own] = [0, 0];
  for (let word = NODE.COUNTS; word < NODE.VALUES; word++) shared += words[node + word];
  for (let word = NODE.OWN; word < NODE.COUNTS; word += 2) own += words[node + word];
  return { shared, own };
}

/** How many counts of a node are not what CPUs leave that have gone round so often each. */
export function wrongCounts(words, node, rounds) {
  let wrong = 0;
  const all = rounds.reduce((sum, each) => sum + each, 0);
  for (let word = NODE.COUNTS; word < NODE.VALUES; word++) {
    if (words[node + word] !== all) wrong++;
  }
  for (let cpu = 0; cpu < rounds.length; cpu++) {
    if (words[node + NODE.OWN + 2 * cpu] !== rounds[cpu]) wrong++;
  }
  return wrong;
}

/** Numbers that are the same each time. */
export function randomFrom(seed) {
  let state = seed;
  return {
    below: (count) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * count);
    },
  };
}
