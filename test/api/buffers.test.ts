/** What a heap can be put into and attached to, and what is refused by name, nothing written. */
import { attach, createHeap, heapBytes } from 'ptfrag';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../support/space.js';

const OPTIONS = { pages: 8, threadsMax: 2, mmsMax: 2 };
const BYTES = heapBytes(OPTIONS);

interface WasmMemory {
  readonly buffer: SharedArrayBuffer;
  grow(pages: number): number;
}
type WasmConstructor = new (limits: object) => WasmMemory;

// Not among the types that the project is compiled with.
const { Memory } = (globalThis as unknown as { WebAssembly: { Memory: WasmConstructor } })
  .WebAssembly;

function messageOf(misuse: () => unknown): string {
  try {
    misuse();
  } catch (error) {
    return String(error);
  }
  return 'nothing thrown';
}

describe('createHeap in memory of the caller', () => {
  const shared = (bytes: number = BYTES): SharedArrayBuffer => new SharedArrayBuffer(bytes);

  it.each([
    ['an ArrayBuffer', 'bad-buffer', 'an ArrayBuffer', new ArrayBuffer(BYTES)],
    ['a view', 'bad-buffer', 'a view', new Int32Array(shared())],
    ['a number', 'bad-buffer', 'buffer is 5', 5],
    ['null', 'bad-buffer', 'buffer is null', null],
    ['an object', 'bad-buffer', 'buffer is an object', {}],
    ['a bigint', 'bad-buffer', 'buffer is 1n', 1n],
    ['one that is too small', 'no-room', `takes ${BYTES} bytes, the buffer has 128`, shared(128)],
  ])('refuses %s: %s', (_, code, says, buffer) => {
    const make = (): unknown => createHeap({ ...OPTIONS, buffer: buffer as ArrayBuffer });
    expect(codeOf(make)).toBe(code);
    expect(messageOf(make)).toContain(says);
  });

  it.each([0, 1, 64, BYTES / 8, BYTES / 4 - 1])('refuses memory whose word %i is not 0', (word) => {
    const buffer = shared(128 + BYTES + 128);
    const words = new Int32Array(buffer);
    words[32 + word] = 7;
    const before = words.slice();
    const make = (): unknown => createHeap({ ...OPTIONS, buffer, byteOffset: 128 });
    expect(codeOf(make)).toBe('not-zeroed');
    expect(messageOf(make)).toContain(`byte ${128 + word * 4} begins a word that is 7`);
    expect(words).toEqual(before);
  });

  it('does not look at what is not the heap', () => {
    const buffer = shared(128 + BYTES + 128);
    const words = new Int32Array(buffer);
    words.fill(-1, 0, 32);
    words.fill(-1, 32 + BYTES / 4);
    const { bytes } = createHeap({ ...OPTIONS, buffer, byteOffset: 128 });
    expect(bytes).toBe(BYTES);
    expect(attach(buffer, { byteOffset: 128 }).check({ drained: true })).toEqual([]);
  });

  it('a second heap in the same place is refused as that', () => {
    const buffer = shared();
    createHeap({ ...OPTIONS, buffer });
    expect(messageOf(() => createHeap({ ...OPTIONS, buffer }))).toContain('a heap already');
  });

  it('an offset without a buffer of the caller is refused', () => {
    expect(codeOf(() => createHeap({ ...OPTIONS, byteOffset: 128 }))).toBe('bad-offset');
  });

  it('a shared WebAssembly.Memory that grows keeps its heap, in its new buffer too', () => {
    const memory = new Memory({ initial: 8, maximum: 16, shared: true });
    createHeap({ ...OPTIONS, buffer: memory.buffer });
    const first = attach(memory.buffer);
    const mm = first.createMm();
    const table = first.allocTable(mm);
    memory.grow(4);
    const second = attach(memory.buffer);
    first.memory.store(table, 5);
    expect(second.memory.load(table)).toBe(5);
    first.memory.store(table, 0);
    second.freeTable(mm, table);
    second.barrier();
    expect(first.check({ drained: true })).toEqual([]);
  });
});

describe('attach', () => {
  const { buffer } = createHeap(OPTIONS);

  it('takes the handle that createHeap returned, also one that was cloned', () => {
    const there = new SharedArrayBuffer(256 + BYTES);
    const handle = createHeap({ ...OPTIONS, buffer: there, byteOffset: 256 });
    const [one, two] = [attach(handle), attach(structuredClone(handle))];
    const mm = one.createMm();
    two.freeTable(mm, one.allocTable(mm));
    expect(one.tablesOf(mm)).toBe(0);
    expect(codeOf(() => attach(handle, { byteOffset: 256 }))).toBe('bad-offset');
  });

  it.each([
    ['nothing', 'bad-buffer', 'undefined', undefined],
    ['null', 'bad-buffer', 'null', null],
    ['a number', 'bad-buffer', '5', 5],
    ['an object', 'bad-buffer', 'an object', {}],
    ['a handle of nothing', 'bad-buffer', 'undefined', { buffer: undefined }],
    ['a handle of an ArrayBuffer', 'bad-buffer', 'ArrayBuffer', { buffer: new ArrayBuffer(8) }],
    ['a handle at an odd place', 'bad-offset', '4;', { buffer, byteOffset: 4 }],
    ['a view', 'bad-buffer', 'a view', new Int32Array(buffer)],
    ['an empty buffer', 'no-room', 'over 1280 bytes', new SharedArrayBuffer(0)],
    ['a buffer without a heap', 'not-a-heap', 'no heap', new SharedArrayBuffer(8192)],
    ['half a heap', 'no-room', `takes ${BYTES} bytes`, halfOf(buffer)],
  ])('refuses %s: %s', (_, code, says, given) => {
    const before = new Int32Array(buffer).slice();
    const misuse = (): unknown => attach(given as never);
    expect(codeOf(misuse)).toBe(code);
    expect(messageOf(misuse)).toContain(says);
    expect(new Int32Array(buffer)).toEqual(before);
  });

  it.each([-128, 4, 128.5, 2 ** 40, Number.NaN, '0', 0n])('refuses the offset %s', (byteOffset) => {
    const code = codeOf(() => attach(buffer, { byteOffset: byteOffset as number }));
    expect(['bad-offset', 'no-room']).toContain(code);
  });
});

function halfOf(buffer: SharedArrayBuffer): SharedArrayBuffer {
  const half = new SharedArrayBuffer(buffer.byteLength / 2);
  const words = new Int32Array(half);
  words.set(new Int32Array(buffer, 0, words.length));
  return half;
}
