/** Intrusive lists against arrays. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, type Word } from '#src/core/base/units.js';
import {
  listAdd,
  listDelete,
  listFirst,
  listInit,
  listNext,
  listPrevious,
  NODE_WORDS,
} from '#src/core/mem/list.js';
import type { Memory } from '#src/core/mem/memory.js';
import { SharedMemory, viewWords } from '#src/core/mem/shared.js';
import { type Violation, walkList } from '#src/core/mem/supply-check.js';
import { kindOf, makeHeap } from '../../support/heap.js';

const HEADS = [0, 2] as Word[];
const NODES = Array.from({ length: 8 }, (_, i) => (8 + 4 * i) as Word);

function makeLists(): Memory {
  const mem = new SharedMemory(viewWords(new SharedArrayBuffer(256), 0, 64), true);
  for (const head of HEADS) listInit(mem, head);
  return mem;
}

/** A list forwards; that it is the same backwards is checked on the way. */
function read(mem: Memory, head: Word): Word[] {
  const nodes: Word[] = [];
  for (let node = listNext(mem, head, head); node !== null; node = listNext(mem, head, node)) {
    expect(listPrevious(mem, node)).toBe(nodes.at(-1) ?? head);
    nodes.push(node);
  }
  expect(listPrevious(mem, head)).toBe(nodes.at(-1) ?? head);
  expect(listFirst(mem, head)).toBe(nodes[0] ?? 0);
  return nodes;
}

describe('a list', () => {
  it('holds what arrays hold after any additions and deletions on two lists', () => {
    const step = fc.tuple(fc.constantFrom(0, 1), fc.constantFrom(...NODES));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const mem = makeLists();
        const model: Word[][] = [[], []];
        for (const [list, node] of steps) {
          const on = model.findIndex((nodes) => nodes.includes(node));
          if (on === -1) {
            listAdd(mem, HEADS[list] as Word, node);
            model[list]?.unshift(node);
          } else {
            listDelete(mem, node);
            model[on] = (model[on] as Word[]).filter((other) => other !== node);
          }
          expect(HEADS.map((head) => read(mem, head))).toEqual(model);
        }
      }),
    );
  });

  it('writes nothing but nodes and heads', () => {
    const mem = makeLists();
    const nodes = [...HEADS, ...NODES].flatMap((node) => [node, node + 1]);
    const others = Array.from({ length: 64 }, (_, i) => i as Word).filter(
      (w) => !nodes.includes(w),
    );
    for (const word of others) mem.poke(word, -5);
    for (const node of NODES) listAdd(mem, HEADS[0] as Word, node);
    for (const node of NODES.filter((_, i) => i % 3 !== 0)) listDelete(mem, node);
    expect(others.map((word) => mem.peek(word))).toEqual(others.map(() => -5));
    expect(NODE_WORDS).toBe(2);
  });

  it('leaves the words of a deleted node as they were: whoever wants them erases them (H4)', () => {
    const mem = makeLists();
    const [head, first, second] = [HEADS[0], NODES[0], NODES[1]] as [Word, Word, Word];
    listAdd(mem, head, first);
    listAdd(mem, head, second);
    listDelete(mem, first);
    expect([mem.peek(first), listPrevious(mem, first)]).toEqual([head, second]);
  });
});

describe('a walk for the whole-heap check', () => {
  /** A list of three nodes in the page area of a heap, perhaps damaged; what a walk says. */
  function walk(damage: (mem: Memory, list: Word) => void, pagesMax = 9): [number[], string[]] {
    const { heap, mem } = makeHeap({ pagesMax, kinds: [kindOf(4)] });
    const list = heap.pagesAt;
    listInit(mem, list);
    for (const offset of [4, 6, 8]) listAdd(mem, list, at(list, offset));
    damage(mem, list);
    const found: Violation[] = [];
    const nodes = walkList(heap, list, 'P4', found).map((node) => node - list);
    return [
      nodes,
      found.map(({ rule, detail }) => `${rule} ${detail.replace(/^list at \d+/, '')}`),
    ];
  }

  it('returns the nodes of a sound list', () => {
    expect(walk(() => {})).toEqual([[8, 6, 4], []]);
    expect(walk(() => {}, 3)).toEqual([[8, 6, 4], []]);
  });

  it('finds a link that does not point back', () => {
    const [nodes, found] = walk((mem, list) => mem.poke(at(list, 7), list));
    expect(nodes).toEqual([8]);
    expect(found[0]).toMatch(/^P4 : node \d+ does not point back$/);
  });

  it('finds a head that does not point back to the last node', () => {
    const [nodes, found] = walk((mem, list) => mem.poke(at(list, 1), at(list, 6)));
    expect(nodes).toEqual([8, 6, 4]);
    expect(found).toEqual(['P4 : its head does not point back']);
  });

  it('finds a link out of the heap, and a cycle that leaves the head out', () => {
    const [, outside] = walk((mem, list) => mem.poke(at(list, 6), -4));
    expect(outside).toEqual(['P4 : node -4 does not point back']);
    const [nodes, cycle] = walk((mem, list) => mem.poke(at(list, 4), at(list, 8)));
    expect(nodes).toEqual([8, 6, 4]);
    expect(cycle[0]).toMatch(/^P4 : node \d+ does not point back$/);
  });

  it('finds more nodes than there are pages, and ends', () => {
    const [nodes, found] = walk(() => {}, 1);
    expect(nodes).toEqual([8, 6]);
    expect(found).toEqual(['P4  has no end']);
  });
});
