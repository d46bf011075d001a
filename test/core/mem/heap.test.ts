/** The layout of a heap, making one, opening one, and refusing what is none. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MmId, Pfn, Word } from '#src/core/base/units.js';
import { checkHeap } from '#src/core/frag/check.js';
import { initCommonOwner } from '#src/core/frag/mm.js';
import { checkConfig } from '#src/core/mem/config.js';
import {
  formatHeap,
  type HeapConfig,
  headerWord,
  mmOfRecord,
  mmRecord,
  openHeap,
  pageAddress,
  pfnOfAddress,
  pfnOfPtdesc,
  ptdescOf,
  threadRecord,
} from '#src/core/mem/heap.js';
import {
  HEAP,
  KIND,
  KINDS_MAX,
  MM,
  NAME_WORDS,
  ORDERS,
  PTDESC,
  RCU_HEAD,
  SLOT_WORDS,
  STATE_WORDS_MAX,
  THREAD,
} from '#src/core/mem/layout.js';
import { type LayoutSizes, layoutOf } from '#src/core/mem/regions.js';
import { SharedMemory, viewWords } from '#src/core/mem/shared.js';
import { growSupply } from '#src/core/mem/supply.js';
import { attachThread } from '#src/core/rcu/attach.js';
import { configOf, kindOf, makeHeap } from '../../support/heap.js';

/** Fields of more than one word. */
const LENGTHS: Record<string, number> = {
  'HEAP.GEOMETRY': NAME_WORDS.GEOMETRY,
  'HEAP.FREE': 2 * ORDERS,
  'KIND.NAME': NAME_WORDS.KIND,
  'PTDESC.RCU': RCU_HEAD.WORDS,
  'PTDESC.LINK': 2,
  'PTDESC.STATES': STATE_WORDS_MAX,
  'MM.LISTS': 2 * KINDS_MAX,
  'MM.RCU': RCU_HEAD.WORDS,
};

describe('a record', () => {
  it.each(Object.entries({ HEAP, KIND, PTDESC, MM, THREAD, RCU_HEAD }))(
    '%s has a place for each field, apart from all others and inside the record',
    (name, record: Readonly<Record<string, number>>) => {
      const users = new Map<number, string>();
      for (const [field, offset] of Object.entries(record)) {
        if (field === 'WORDS') continue;
        for (let i = 0; i < (LENGTHS[`${name}.${field}`] ?? 1); i++) {
          expect(users.get(offset + i), `word ${offset + i}, ${field}`).toBe(undefined);
          users.set(offset + i, field);
        }
      }
      expect(Math.max(...users.keys())).toBeLessThan(record['WORDS'] as number);
    },
  );
});

const SIZES: fc.Arbitrary<LayoutSizes> = fc.record({
  pageShift: fc.integer({ min: 4, max: 14 }),
  pagesMax: fc.integer({ min: 1, max: 2 ** 14 }),
  threadsMax: fc.integer({ min: 1, max: 256 }),
  mmsMax: fc.integer({ min: 2, max: 2 ** 12 }),
  debug: fc.boolean(),
  kinds: fc.constantFrom([kindOf(4)], [kindOf(1, 64, { order: 2 }), kindOf(16, 1024)]),
});

describe('the layout', () => {
  it('puts regions one behind the other, on slots, and aligns pages to the largest block', () => {
    fc.assert(
      fc.property(SIZES, (sizes) => {
        const layout = layoutOf(sizes);
        const pageWords = 2 ** sizes.pageShift;
        expect(layout.kindsAt).toBeGreaterThanOrEqual(HEAP.WORDS);
        expect(layout.mmsAt - layout.kindsAt).toBeGreaterThanOrEqual(KINDS_MAX * KIND.WORDS);
        expect(layout.threadsAt - layout.mmsAt).toBeGreaterThanOrEqual(sizes.mmsMax * MM.WORDS);
        const threads = layout.ptdescsAt - layout.threadsAt;
        expect(threads).toBeGreaterThanOrEqual(sizes.threadsMax * THREAD.WORDS);
        const ptdescs = layout.freedByAt - layout.ptdescsAt;
        expect(ptdescs).toBeGreaterThanOrEqual(sizes.pagesMax * PTDESC.WORDS);
        // A debug heap has a word there for each smallest fragment that its pages have room for.
        const each = sizes.debug ? Math.min(...sizes.kinds.map((kind) => kind.fragmentWords)) : 0;
        if (each > 0) expect(2 ** layout.freedByShift).toBe(each);
        const freedBy = each > 0 ? (sizes.pagesMax * pageWords) / each : 0;
        expect(layout.pagesAt - layout.freedByAt).toBeGreaterThanOrEqual(freedBy);
        expect(layout.words - layout.pagesAt).toBe(sizes.pagesMax * pageWords);
        const blockWords = pageWords * 2 ** Math.max(0, ...sizes.kinds.map((kind) => kind.order));
        expect(layout.pagesAt % blockWords).toBe(0);
        expect(layout.pagesAt - layout.freedByAt - Math.ceil(freedBy)).toBeLessThan(blockWords);
        for (const region of [layout.mmsAt, layout.threadsAt, layout.ptdescsAt]) {
          expect(region % SLOT_WORDS).toBe(0);
        }
      }),
    );
  });

  it('leads from a page, an mm or a thread to its words and back', () => {
    const { heap } = makeHeap({ pagesMax: 64, mmsMax: 9, kinds: [kindOf(8, 8)] });
    for (let pfn = 0 as Pfn; pfn < heap.pagesMax; pfn++) {
      const [ptdesc, page] = [ptdescOf(heap, pfn), pageAddress(heap, pfn)];
      expect([0, 9, PTDESC.WORDS - 1].map((i) => pfnOfPtdesc(heap, (ptdesc + i) as Word))).toEqual([
        pfn,
        pfn,
        pfn,
      ]);
      expect([0, 7, 63].map((i) => pfnOfAddress(heap, (page + i) as Word))).toEqual([
        pfn,
        pfn,
        pfn,
      ]);
    }
    expect(pageAddress(heap, heap.pagesMax as Pfn)).toBe(heap.words);
    for (let mm = 0 as MmId; mm < heap.mmsMax; mm++) {
      expect(mmOfRecord(heap, mmRecord(heap, mm))).toBe(mm);
    }
    expect(threadRecord(heap, heap.threadsMax as never)).toBe(heap.ptdescsAt);
  });
});

type WasmMemory = new (limits: {
  initial: number;
  maximum: number;
  shared: boolean;
}) => { buffer: SharedArrayBuffer };

describe('a heap', () => {
  it('is opened with the configuration that it was made with', () => {
    const kind = fc.constantFrom(kindOf(4), kindOf(1, 64, { order: 2 }), kindOf(16, 1024));
    const config = fc.record({
      pagesMax: fc.integer({ min: 1, max: 40 }),
      threadsMax: fc.integer({ min: 1, max: 256 }),
      mmsMax: fc.integer({ min: 2, max: 40 }),
      sharedOwner: fc.boolean(),
      debug: fc.boolean(),
      spins: fc.integer({ min: 0, max: 1000 }),
      geometry: fc.constantFrom('s', 'powerpc-radix-64k', 'x'.repeat(32)),
    });
    fc.assert(
      fc.property(kind, config, (only, options) => {
        const { heap, mem } = makeHeap({ pages: 1, kinds: [only], ...options, geometry: 'test' });
        expect(openHeap(mem)).toEqual(heap);
        expect(heap).toMatchObject({ ...options, geometry: 'test', kinds: [only] });
      }),
      { numRuns: 40 },
    );
  });

  const WASM_PAGE = 65536;
  // Not among the types that the project is compiled with.
  const { Memory } = (globalThis as unknown as { WebAssembly: { Memory: WasmMemory } }).WebAssembly;
  const wasmBuffer = (bytes: number): SharedArrayBuffer => {
    const pages = Math.ceil(bytes / WASM_PAGE);
    return new Memory({ initial: pages, maximum: pages, shared: true }).buffer;
  };

  it.each([
    ['a SharedArrayBuffer', (bytes: number) => new SharedArrayBuffer(bytes)],
    ["a shared WebAssembly.Memory's buffer", wasmBuffer],
  ] as const)(
    'lives in %s from any multiple of 128 on, and leaves the rest alone',
    (_, reserve) => {
      const config = configOf();
      const { words } = layoutOf(config);
      const shared = reserve(128 * 5 + words * 8 + 128);
      const all = new Int32Array(shared);
      all.fill(-9, 0, 160);
      all.fill(-9, 160 + 2 * words);
      const heaps = [0, 1].map((i) => {
        const mem = new SharedMemory(viewWords(shared, 640 + i * words * 4, words), true);
        const heap = formatHeap(mem, config);
        initCommonOwner(heap);
        growSupply(attachThread(heap, 'epoch'), i + 3);
        return openHeap(mem);
      });
      expect(heaps.map((heap) => checkHeap(heap, { drained: true }))).toEqual([[], []]);
      const outside = [...all.slice(0, 160), ...all.slice(160 + 2 * words)];
      expect(new Set(outside)).toEqual(new Set([-9]));
      const limits = heaps.map((heap) => heap.mem.peek(headerWord(HEAP.LIMIT_PAGES)));
      expect(limits).toEqual([3, 4]);
    },
  );

  it('is a handle that nothing changes, down to its kinds (X2)', () => {
    const { heap, thread } = makeHeap();
    for (const handle of [heap, thread, ...heap.kinds]) expect(Object.isFrozen(handle)).toBe(true);
  });

  it('is not found where none was made', () => {
    const mem = new SharedMemory(viewWords(new SharedArrayBuffer(4096), 0, 1024), true);
    expect(() => openHeap(mem)).toThrow(expect.objectContaining({ code: 'not-a-heap' }));
  });

  it('is not found before it is complete: the magic word is stored last', () => {
    const { mem } = makeHeap();
    mem.store(headerWord(HEAP.MAGIC), 0);
    expect(() => openHeap(mem)).toThrow('there is no heap at this place');
  });

  it('of another version is refused, both versions named', () => {
    const { mem } = makeHeap();
    mem.poke(headerWord(HEAP.VERSION), 77);
    expect(() => openHeap(mem)).toThrow(
      /another version of ptfrag: layout 77, this is for layout \d+/,
    );
    expect(() => openHeap(mem)).toThrow(expect.objectContaining({ code: 'other-version' }));
  });
});

const GOOD: HeapConfig = configOf();
const EIGHT_OF_TWO = { pageShift: 4, kinds: [kindOf(8, 2)] };
const BAD_CONFIGS: readonly [says: string, change: Partial<HeapConfig>][] = [
  ['kind nr8: 8 fragments of 16 bytes do not make up a block of 2^0', { kinds: [kindOf(8)] }],
  ['kind nr3: bytes is 21.3', { pageShift: 4, kinds: [kindOf(3, 16 / 3)] }],
  ['kind nr8: bytes is 8; allowed are powers of two, 16 to 2^32', EIGHT_OF_TWO],
  [
    'kind nr512: perPage is 512; allowed are powers of two, 1 to 256',
    { pageShift: 11, kinds: [kindOf(512)] },
  ],
  ['kind nr2: order is 1 with 2 per page', { kinds: [kindOf(2, 16, { order: 1 })] }],
  ['kind nr1: order is 9; allowed are 0 to 8', { kinds: [kindOf(1, 8192, { order: 9 })] }],
  ['kind nr1: order is -1', { kinds: [kindOf(1, 8, { order: -1 })] }],
  [
    'kind nr4: slotBytes is -8; allowed are multiples of 8, 0 to 16',
    { kinds: [kindOf(4, 4, { entryWords: 6 })] },
  ],
  ['kind nr4: slotBytes is 4;', { kinds: [kindOf(4, 4, { entryWords: 3 })] }],
  ['kind nr4: slotBytes is 24;', { kinds: [kindOf(4, 4, { entryWords: -2 })] }],
  ['kind nr4: slotBytes is NaN;', { kinds: [kindOf(4, 4, { entryWords: Number.NaN })] }],
];

describe('a configuration that can not be laid out', () => {
  it.each(BAD_CONFIGS)('is refused: %s', (says, change) => {
    const make = (): void => checkConfig({ ...GOOD, ...change });
    expect(make).toThrow(says);
    expect(make).toThrow(expect.objectContaining({ name: 'UsageError', code: 'bad-config' }));
  });

  it('is refused as over 4 GiB, the limit to lower named', () => {
    const change = { pageShift: 14, pagesMax: 65536, kinds: [kindOf(1, 16384)] };
    expect(() => checkConfig({ ...GOOD, ...change })).toThrow(
      expect.objectContaining({ name: 'LimitError', limit: 'pagesMax', max: 65536 }),
    );
    expect(checkConfig({ ...GOOD, ...change, pagesMax: 60000 })).toBe(undefined);
  });

  it('is not one with every limit at its edge', () => {
    const least = { pagesMax: 1, threadsMax: 1, mmsMax: 2, kinds: [kindOf(1)], pageShift: 4 };
    const most = { threadsMax: 256, mmsMax: 2 ** 20, kinds: Array(8).fill(kindOf(256)) };
    expect(checkConfig({ ...GOOD, ...least })).toBe(undefined);
    expect(checkConfig({ ...GOOD, ...most, pageShift: 10 })).toBe(undefined);
  });
});
