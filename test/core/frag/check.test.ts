/**
 * The whole-heap check finds what it is for: each rule is broken by hand, one word or list at a
 * time, in a sound heap; and no sentence of the check is left that no damage brings out.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { at, type FragIndex, type MmId, type Pfn, type Word } from '#src/core/base/units.js';
import { allocTable } from '#src/core/frag/alloc.js';
import { MM_CALLBACK } from '#src/core/frag/callback-table.js';
import { checkHeap } from '#src/core/frag/check.js';
import { freeTable } from '#src/core/frag/free.js';
import { createMm, destroyMm, partialList } from '#src/core/frag/mm.js';
import { setState } from '#src/core/frag/ptdesc.js';
import { A, C, F, type State } from '#src/core/frag/state.js';
import {
  type Heap,
  headerWord,
  mmRecord,
  pfnOfAddress,
  ptdescOf,
  type Thread,
} from '#src/core/mem/heap.js';
import { HEAP, MM, PTDESC, RCU_HEAD, THREAD } from '#src/core/mem/layout.js';
import { listAdd, listDelete } from '#src/core/mem/list.js';
import type { SharedMemory } from '#src/core/mem/shared.js';
import { takePages } from '#src/core/mem/supply.js';
import { callRcu } from '#src/core/rcu/callback.js';
import { beginGrace, graceAhead, successor } from '#src/core/rcu/grace-period.js';
import {
  checkClean,
  drain,
  KIND_0,
  KIND_1,
  kindOf,
  makeHeap,
  nodeOf,
  siblingOf,
  statesOf,
} from '../../support/heap.js';

interface Scene {
  readonly heap: Heap;
  readonly mem: SharedMemory;
  readonly thread: Thread;
  readonly one: MmId;
  readonly two: MmId;
  readonly dying: MmId;
  /** Pages of mm one: `AFCN` and listed, `AAAA`, `CCCC`. */
  readonly mixed: Word;
  readonly full: Word;
  readonly empty: Word;
  /** A page of mm two: `AFFF`, listed. */
  readonly theirs: Word;
}

function makeScene(sharedOwner = false): Scene {
  const kinds = [kindOf(4, 8), { ...kindOf(2, 16), name: 'other' }];
  const { heap, mem, thread } = makeHeap({ kinds, pageShift: 5, sharedOwner });
  const [one, two, dying] = [createMm(thread), createMm(thread), createMm(thread)];
  const page = (mm: MmId): Word => {
    const tables = [1, 2, 3, 4].map(() => allocTable(thread, mm, KIND_0) as Word);
    return tables[0] as Word;
  };
  const free = (table: Word, ...indexes: number[]): void => {
    for (const index of indexes) freeTable(thread, one, siblingOf(heap, table, index));
  };
  const [mixed, full, empty] = [page(one), page(one), page(one)];
  const theirs = allocTable(thread, two, KIND_0) as Word;
  free(mixed, 1);
  drain(thread);
  free(empty, 0, 1, 2, 3);
  free(mixed, 2);
  destroyMm(thread, dying);
  beginGrace(heap);
  free(mixed, 3);
  const states = [mixed, full, empty, theirs].map((table) => statesOf(heap, table));
  expect(states).toEqual(['AFCN', 'AAAA', 'CCCC', 'AFFF']);
  checkClean(heap);
  return { heap, mem, thread, one, two, dying, mixed, full, empty, theirs };
}

/** The word of a ptdesc. */
function field({ heap }: Scene, table: Word, name: keyof typeof PTDESC): Word {
  return at(ptdescOf(heap, pfnOfAddress(heap, table)), PTDESC[name]);
}

function poke(name: keyof typeof PTDESC, which: keyof Scene, value: number) {
  return (scene: Scene): void => scene.mem.poke(field(scene, scene[which] as Word, name), value);
}

function change(which: keyof Scene, index: number, state: State) {
  return ({ mem, heap, ...scene }: Scene): void => {
    const ptdesc = ptdescOf(heap, pfnOfAddress(heap, scene[which as 'mixed']));
    setState(mem, ptdesc, index as FragIndex, state);
  };
}

function node({ heap }: Scene, table: Word, index = 1): Word {
  return nodeOf(heap, table, index);
}

function mmField({ heap }: Scene, mm: MmId, name: keyof typeof MM): Word {
  return at(mmRecord(heap, mm), MM[name]);
}

const list = ({ heap }: Scene, mm: MmId, kind = KIND_0): Word =>
  partialList(mmRecord(heap, mm), kind);

type Damage = readonly [rule: string, says: string, plant: (scene: Scene) => void];

/** Damage to pages. */
const PAGES: readonly Damage[] = [
  ['U1', 'thread 0 freed the block', (s) => s.mem.poke(at(siblingOf(s.heap, s.mixed, 1), 2), 1)],
  ['U1', 'before it was ever handed', (s) => s.mem.poke(siblingOf(s.heap, s.theirs, 3), 1)],
  ['U1', 'word 3 of block', (s) => s.mem.poke(at(siblingOf(s.heap, s.mixed, 1), 3), 0)],
  [
    'P3',
    'all free, but not returned',
    (s) => {
      for (const index of [0, 1, 2, 3]) change('empty', index, F)(s);
    },
  ],
  ['P4', '(AFCN): HOLDER is 0', poke('HOLDER', 'mixed', 0)],
  ['P4', '(AAAA): HOLDER is 2', poke('HOLDER', 'full', 2)],
  ['P4', 'the node is in fragment 2, which is not free', poke('HOLDER', 'mixed', 3)],
  ['P4', '(CCCC): HOLDER is 1', poke('HOLDER', 'empty', 1)],
  ['P5', 'OWNER is -', (s) => poke('OWNER', 'mixed', -mmRecord(s.heap, s.one))(s)],
  ['P5', 'OWNER is ', (s) => poke('OWNER', 'empty', mmRecord(s.heap, s.one))(s)],
  ['P6', 'is out of the supply but nobody has it', (s) => takePages(s.thread, 0)],
  ['P6', 'is out of the supply but nobody has it', poke('OWNER', 'full', 0)],
  ['P6', 'is out of the supply but nobody has it', poke('KIND', 'full', 7)],
  ['P6', 'is out of the supply but nobody has it', (s) => takePages(s.thread, 2)],
  ['P6', 'ALLOCATED is not the number of A', poke('ALLOCATED', 'full', 3)],
  ['P6', 'ALLOCATED is not the number of A', change('full', 0, C)],
  ['P10', 'something waits for the next grace period only', change('mixed', 2, F)],
  [
    'P10',
    'waits for no grace period',
    (s) => poke('RCU', 'mixed', successor(graceAhead(s.heap)))(s),
  ],
];

/** Damage to lists and counts. */
const LISTS: readonly Damage[] = [
  [
    'P4',
    'mm 2, list 0: node',
    (s) => {
      listDelete(s.mem, node(s, s.mixed));
      listAdd(s.mem, list(s, s.two), node(s, s.mixed));
    },
  ],
  [
    'P4',
    'mm 2, list 1: node',
    (s) => {
      listDelete(s.mem, node(s, s.theirs));
      listAdd(s.mem, list(s, s.two, KIND_1), node(s, s.theirs));
    },
  ],
  ['P4', 'is not its own', (s) => listAdd(s.mem, list(s, s.one), node(s, s.full))],
  ['P4', 'has a node but is on no list', (s) => listDelete(s.mem, node(s, s.theirs))],
  ['P4', 'its head does not point back', (s) => s.mem.poke(at(list(s, s.one), 1), 0)],
  ['P4', 'does not point back', (s) => s.mem.poke(at(node(s, s.mixed), 1), 5)],
  ['P6', 'mm 1 counts 6 tables, its pages 5', (s) => s.mem.poke(mmField(s, s.one, 'TABLES'), 6)],
  ['P6', 'mms count 7 tables, pages 6', (s) => s.mem.poke(mmField(s, s.two, 'TABLES'), 2)],
  ['P6', 'mm 2 counts 0 tables, its pages 1', (s) => s.mem.poke(mmField(s, s.two, 'LIFE'), 0)],
];

/** Puts the record of an mm up for the next one. */
function putUp({ heap, mem }: Scene, mm: MmId): void {
  const free = headerWord(HEAP.MM_FREE);
  mem.poke(at(mmRecord(heap, mm), MM.NEXT), mem.peek(free));
  mem.poke(free, mmRecord(heap, mm));
}

function left(name: keyof typeof THREAD, value: number) {
  return ({ mem, thread }: Scene): void => mem.store(at(thread.record, THREAD[name]), value);
}

/** Damage to queues, locks and what a thread left behind. */
const QUEUES: readonly Damage[] = [
  [
    'P7',
    ': its head is not in a queue',
    (s) => s.mem.poke(at(s.thread.record, THREAD.QUEUE_NEW), 0),
  ],
  [
    'P7',
    'is queued twice',
    (s) => {
      const head = field(s, s.mixed, 'RCU');
      s.mem.poke(at(head, RCU_HEAD.NEXT), head);
    },
  ],
  [
    'P7',
    'is queued twice',
    (s) => {
      const head = field(s, s.mixed, 'RCU');
      s.mem.store(at(s.thread.record, THREAD.QUEUE_WAITING), head);
    },
  ],
  [
    'P7',
    ': its head is in a queue',
    (s) => {
      change('mixed', 2, A)(s);
      change('mixed', 3, A)(s);
    },
  ],
  ['P7', "its head's state is 0", poke('RCU', 'mixed', 0)],
  ['P7', "its head's state is 5", poke('RCU', 'full', 5)],
  ['P7', 'is of no page and no mm', (s) => callRcu(s.thread, ptdescOf(s.heap, 9 as Pfn), 0)],
  ['P12', 'which is no head', (s) => callRcu(s.thread, at(s.heap.pagesAt, 500), 0)],
  ['P12', 'which is no head', (s) => callRcu(s.thread, at(s.thread.record, 100), 0)],
  ['P12', 'which is no head', (s) => s.mem.store(at(s.thread.record, THREAD.QUEUE_NEW), 2 ** 30)],
  ['P12', "is a free record, but no mm's", (s) => s.mem.poke(headerWord(HEAP.MM_FREE), 17)],
  ['P12', "which is no mm's record", poke('OWNER', 'mixed', 17)],
  ['P12', 'BROKEN is -1; it can be 0 to 12', (s) => s.mem.poke(headerWord(HEAP.BROKEN), -1)],
  ['P12', 'LIMIT_PAGES is 33; it', (s) => s.mem.poke(headerWord(HEAP.LIMIT_PAGES), 33)],
  ['P12', 'CONSTANTS_SUM is ', (s) => s.mem.poke(headerWord(HEAP.SPINS), 17)],
  ['P7', 'mm 3: live, head in a queue: true', (s) => s.mem.poke(mmField(s, s.dying, 'LIFE'), 3)],
  ['P7', 'mm 2: ended, head in a queue: false', (s) => s.mem.poke(mmField(s, s.two, 'LIFE'), -2)],
  [
    'P7',
    'mm 1: live, head in a queue: true',
    (s) => callRcu(s.thread, mmField(s, s.one, 'RCU'), MM_CALLBACK),
  ],
  [
    'L1',
    'the lock of the supply is held by thread 6',
    (s) => s.mem.poke(headerWord(HEAP.SUPPLY_LOCK), 7),
  ],
  [
    'L1',
    'the lock of the table of mms is held by thread 0',
    (s) => s.mem.poke(headerWord(HEAP.MM_TABLE_LOCK), 1 - 2 ** 31),
  ],
  ['P11', 'the record of mm 2 is free, but it is live', (s) => putUp(s, s.two)],
  [
    'P11',
    'the record of mm 3 is free twice',
    (s) => {
      putUp(s, s.dying);
      putUp(s, s.dying);
    },
  ],
  ['P11', 'record 2 says that it serves mm 17', (s) => s.mem.poke(mmField(s, s.two, 'LIFE'), 17)],
  ['L1', 'the lock of mm 2 is held by', (s) => s.mem.poke(mmRecord(s.heap, s.two), 3)],
  ['L1', 'the lock of all mms is held', (s) => s.mem.poke(mmRecord(s.heap, 0 as MmId), 3)],
  ['L1', 'the lock of the tables in page', poke('LOCK', 'full', 3)],
  ['L1', 'the queue of thread 0 is held by thread 1', left('QUEUE_LOCK', 2)],
  [
    'L2',
    'thread 0 waits for the lock of the supply',
    left('SLEEPS_FOR', headerWord(HEAP.SUPPLY_LOCK)),
  ],
  ['R3', 'thread 0 runs callbacks of the queue of thread 0', left('QUEUE_RUNNERS', 1)],
  ['R1', 'thread 0 is inside a callback', left('IN_CALLBACK', 1)],
  [
    'G1',
    'thread 0 has left, but is inside a read section',
    (s) => {
      left('NESTING', 1)(s);
      left('ATTACHED', 0)(s);
    },
  ],
  ['P3', 'a thread found it broken', (s) => s.mem.store(headerWord(HEAP.BROKEN), 3)],
];

/** Everything that any damage below has brought out. */
const heard = new Set<string>();

function verifyFound([rule, says, plant]: Damage, scene: Scene, drained = false): void {
  plant(scene);
  const found = checkHeap(scene.heap, { drained });
  for (const violation of found) heard.add(`${violation.rule} ${violation.detail}`);
  const told = found.filter((violation) => violation.detail.includes(says));
  expect(
    told.map((violation) => violation.rule),
    JSON.stringify(found),
  ).toContain(rule);
}

describe('damage is found', () => {
  it.each(PAGES)('in a page: %s %s', (...damage) => verifyFound(damage, makeScene()));
  it.each(LISTS)('in a list or count: %s %s', (...damage) => verifyFound(damage, makeScene()));
  it.each(QUEUES)('in a queue or lock: %s %s', (...damage) => verifyFound(damage, makeScene()));

  it.each([
    ['P4', 'mm 0, list 1: node', (s: Scene) => listAdd(s.mem, list(s, 0 as MmId, KIND_1), s.full)],
    ['P6', 'mms count 7 tables, pages 6', (s) => s.mem.poke(mmField(s, s.two, 'TABLES'), 2)],
    ['P5', 'OWNER is ', (s) => poke('OWNER', 'mixed', -mmRecord(s.heap, 0 as MmId))(s)],
  ] as readonly Damage[])('where all mms have one owner: %s %s', (...damage) => {
    verifyFound(damage, makeScene(true));
  });
});

describe('what may be pending', () => {
  it('is found lost once all callbacks are said to be drained (P6)', () => {
    verifyFound(['P6', '(AFCN) still waits for a grace period', () => {}], makeScene(), true);
    verifyFound(['P6', 'mm 3 still dies', () => {}], makeScene(), true);
    verifyFound(['P6', 'thread 0 is inside a read section', left('NESTING', 1)], makeScene(), true);
    checkClean(makeScene().heap, { drained: false });
  });

  it('is nothing after a drain', () => {
    const { heap, thread } = makeScene();
    drain(thread);
    checkClean(heap, { drained: true });
  });
});

describe('free memory', () => {
  it('is only looked at in debug heaps', () => {
    const { heap, mem, thread } = makeHeap({ debug: false });
    const table = allocTable(thread, createMm(thread), KIND_0) as Word;
    mem.poke(siblingOf(heap, table, 3), 1);
    checkClean(heap);
  });
});

describe('the check', () => {
  const sources = ['check.ts', 'check-page.ts'].map((name) =>
    readFileSync(fileURLToPath(new URL(`../../../src/core/frag/${name}`, import.meta.url)), 'utf8'),
  );

  /** Its sentences: text in quotes behind `detail` or `fail`, with holes where numbers go. */
  const sentences = sources.flatMap((text) =>
    [...text.matchAll(/(?:detail[:=\s]+|fail\(\s*'P\d+',\s*)(['`])((?:(?!\1).)+)\1/g)].map(
      (match) => (match[2] as string).replace(/\$\{(?:[^{}]|'[^']*')*\}/g, '\0'),
    ),
  );

  afterAll(() => heard.clear());

  it('says nothing that no damage brings out', () => {
    expect(sentences.length).toBeGreaterThan(15);
    const unheard = sentences.filter((sentence) => {
      const parts = sentence.split('\0').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
      const pattern = new RegExp(parts.join('.*'));
      return ![...heard].some((text) => pattern.test(text));
    });
    expect(unheard).toEqual([]);
  });
});
