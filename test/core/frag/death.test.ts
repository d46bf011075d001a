/**
 * Every operation, killed before each of its writes, in heaps of every shape in the middle of their
 * use: what it leaves is recovered, nothing is lost, and the heap is used on. So is the recovery.
 */
import { describe, expect, it } from 'vitest';
import { Prng } from '#src/core/base/prng.js';
import type { KindId, MmId, ThreadId, Word } from '#src/core/base/units.js';
import { at } from '#src/core/base/units.js';
import { allocTable } from '#src/core/frag/alloc.js';
import { CALLBACKS } from '#src/core/frag/callback.js';
import { fillEmpty } from '#src/core/frag/contents.js';
import { freeTable } from '#src/core/frag/free.js';
import { createMm, destroyMm } from '#src/core/frag/mm.js';
import { recoverThread } from '#src/core/frag/recover.js';
import { type HeapKind, mmRecordAt, type Thread, threadRecord } from '#src/core/mem/heap.js';
import { MM, THREAD } from '#src/core/mem/layout.js';
import { growSupply } from '#src/core/mem/supply.js';
import { attachThread } from '#src/core/rcu/attach.js';
import { poll, pollAll } from '#src/core/rcu/callback.js';
import { rcuReadLock, rcuReadUnlock } from '#src/core/rcu/reader.js';
import { checkClean, drain, type HeapOptions, kindOf, makeHeap } from '../../support/heap.js';
import { LONG } from '../../support/long.js';
import { MortalMemory } from '../../support/mortal.js';

interface Table {
  readonly address: Word;
  readonly mm: MmId;
  readonly kind: HeapKind;
  readonly stamp: number;
}

/** A heap, and all that is known of it: what a death must leave as it is. */
class Scene {
  readonly words: Int32Array;
  readonly mem: MortalMemory;
  readonly survivor: Thread;
  readonly victim: Thread;
  readonly reader: Thread;
  readonly prng: Prng;
  mms: MmId[] = [];
  tables: Table[] = [];
  private stamps = 0;

  constructor(options: HeapOptions, seed: number) {
    let words: Int32Array = new Int32Array(0);
    const memory = (all: Int32Array): MortalMemory => {
      words = all;
      return new MortalMemory(all);
    };
    const { heap, mem, thread } = makeHeap({ threadsMax: 4, mmsMax: 6, ...options, memory });
    this.words = words;
    this.mem = mem as MortalMemory;
    this.survivor = thread;
    this.victim = attachThread(heap, 'epoch');
    this.reader = attachThread(heap, 'epoch');
    this.prng = new Prng(seed);
    this.mms.push(createMm(thread), createMm(thread));
  }

  any<Item>(items: readonly Item[]): Item {
    return items[this.prng.below(items.length)] as Item;
  }

  /** A step of ordinary use, by some thread. */
  live(thread: Thread): void {
    const what = this.prng.below(12);
    if (what < 5) this.alloc(thread);
    else if (what < 8 && this.tables.length > 0) this.free(thread, this.any(this.tables));
    else if (what < 10) poll(thread, CALLBACKS, 1 + this.prng.below(4));
    else if (what === 10) this.section();
    else this.mmOf(thread);
  }

  alloc(thread: Thread): void {
    const { heap } = thread;
    const [mm, kindId] = [this.any(this.mms), this.prng.below(heap.kinds.length) as KindId];
    const address = allocTable(thread, mm, kindId);
    if (address === null) return;
    const table = { address, mm, kind: heap.kinds[kindId] as HeapKind, stamp: ++this.stamps };
    this.words.fill(table.stamp, address, address + table.kind.entryWords);
    this.tables.push(table);
  }

  /** As whoever frees a table must leave it. */
  empty({ address, kind }: Table): void {
    fillEmpty(this.mem, address, kind.fragmentWords, kind);
  }

  free(thread: Thread, table: Table): void {
    this.empty(table);
    freeTable(thread, table.mm, table.address);
    this.tables = this.tables.filter((each) => each !== table);
  }

  section(): void {
    if (this.mem.peek(at(this.reader.record, THREAD.NESTING)) === 0) rcuReadLock(this.reader);
    else rcuReadUnlock(this.reader);
  }

  mmOf(thread: Thread): void {
    const idle = this.mms.filter((mm) => !this.tables.some((table) => table.mm === mm));
    const [mm] = idle;
    if (mm !== undefined && this.mms.length > 1) {
      destroyMm(thread, mm);
      this.mms = this.mms.filter((each) => each !== mm);
    } else if (this.mms.length < 3) this.mms.push(createMm(thread));
  }

  /** The heap has what is known and no more; or all but `gone`, which was about to go. */
  check(gone: Table | MmId | null): void {
    const { heap } = this.survivor;
    const live = Array.from({ length: heap.mmsMax }, (_, index) =>
      this.mem.load(at(mmRecordAt(heap, index), MM.LIFE)),
    ).filter((life) => life > 0);
    const isGone = typeof gone === 'number' && !live.includes(gone);
    if (isGone) this.mms = this.mms.filter((mm) => mm !== gone);
    expect(live.sort()).toEqual([...this.mms].sort());
    for (const { address, kind, stamp } of this.tables) {
      const held = this.words.subarray(address, address + kind.entryWords);
      expect(held.every((word) => word === stamp)).toBe(true);
    }
    checkClean(heap);
    this.mms.forEach((mm) => {
      const known = this.tables.filter((table) => table.mm === mm).length;
      const own = typeof gone === 'object' && gone?.mm === mm ? 1 : 0;
      const count = this.mem.peek(at(mmRecordAt(heap, mm & heap.mmMask), MM.TABLES));
      expect([known, known + own]).toContain(count);
      // What was about to be freed, and was not begun, is freed by whoever knows it.
      if (count > known) freeTable(this.survivor, mm, (gone as Table).address);
    });
  }
}

/** What the victim does; it names what it is about to end. */
type Deed = (scene: Scene) => { readonly act: () => void; readonly gone: Table | MmId | null };

const DEEDS: Readonly<Record<string, Deed>> = {
  alloc: (scene) => {
    const kind = scene.prng.below(scene.survivor.heap.kinds.length) as KindId;
    const mm = scene.any(scene.mms);
    return { act: () => allocTable(scene.victim, mm, kind), gone: null };
  },
  free: (scene) => {
    const table = scene.any(scene.tables);
    if (table === undefined) return { act: () => undefined, gone: null };
    scene.empty(table);
    scene.tables = scene.tables.filter((each) => each !== table);
    return { act: () => freeTable(scene.victim, table.mm, table.address), gone: table };
  },
  poll: (scene) => ({ act: () => void pollAll(scene.victim, CALLBACKS, 3), gone: null }),
  createMm: ({ victim, mms }) => ({
    act: () => void (mms.length < 4 && createMm(victim)),
    gone: null,
  }),
  destroyMm: (scene) => {
    const mm = createMm(scene.survivor);
    scene.mms.push(mm);
    return { act: () => destroyMm(scene.victim, mm), gone: mm };
  },
  grow: ({ victim }) => ({ act: () => void growSupply(victim, 3), gone: null }),
};

const SHAPES: Readonly<Record<string, HeapOptions>> = {
  'two to a page': { kinds: [kindOf(2)] },
  'sixteen to a page, and not debug': { kinds: [kindOf(16)], debug: false },
  'two state words, one owner': { kinds: [kindOf(32)], sharedOwner: true },
  'sixteen state words': { kinds: [kindOf(256)], debug: false, pagesMax: 8 },
  'one to a page, and to four': {
    kinds: [kindOf(1, 16), { ...kindOf(1, 64), order: 2 }],
    pageShift: 4,
  },
  'two kinds, with residue': {
    kinds: [kindOf(4, 8, { residueEven: 0xff }), kindOf(8, 4, { emptyEven: 0x400 })],
    debug: false,
  },
};

const SEEDS = LONG ? 60 : 1;
const STEPS = 60;
/** Of the deaths of one operation, for how many those of who recovers are tried. */
const AGAIN_EVERY = LONG ? 1 : 4;

describe.each(Object.entries(SHAPES))('a heap with %s', (_, shape) => {
  it.each(Object.entries(DEEDS))('loses nothing where a thread dies in %s', (_deed, deed) => {
    let deaths = 0;
    for (let seed = 1; seed <= SEEDS; seed++) deaths += killEverywhere(shape, seed, deed);
    expect(deaths).toBeGreaterThan(3 * SEEDS);
  });
});

/** Kills one operation before each of its writes; returns how often it died. */
function killEverywhere(shape: HeapOptions, seed: number, deed: Deed): number {
  for (let writes = 0; ; writes++) {
    if (!killAt(shape, seed, deed, writes, null)) return writes;
    if (writes % AGAIN_EVERY !== 0) continue;
    for (let again = 0; killAt(shape, seed, deed, writes, again); again += 1 + (seed % 3));
  }
}

/**
 * One death, before a write of the operation; and of who recovers it, before a write of that.
 * False: there is none, it came to its end.
 */
function killAt(
  shape: HeapOptions,
  seed: number,
  deed: Deed,
  writes: number,
  again: number | null,
): boolean {
  const scene = new Scene({ ...shape, pages: (shape.pagesMax ?? 32) - 4 }, seed);
  const { mem, survivor, victim, reader } = scene;
  for (let step = 0; step < STEPS; step++) scene.live(scene.any([survivor, victim]));
  if (mem.peek(at(reader.record, THREAD.NESTING)) !== 0) rcuReadUnlock(reader);
  const { act, gone } = deed(scene);
  if (!mem.dies(writes, act)) return false;
  if (again !== null && !mem.dies(again, () => void recoverThread(victim))) return false;
  expect(recoverThread(victim)).toBe(true);
  scene.check(gone);
  expect(mem.load(at(threadRecord(victim.heap, victim.id), THREAD.ATTACHED))).toBe(0);
  drain(survivor);
  checkClean(survivor.heap, { drained: true });
  // The next thread that has the record goes on as any other.
  const next = attachThread(survivor.heap, 'epoch');
  expect(next.id).toBe(victim.id as ThreadId);
  for (let step = 0; step < 20; step++) scene.live(scene.any([survivor, next]));
  checkClean(survivor.heap);
  return true;
}
