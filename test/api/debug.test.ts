/** Debug heaps, as users meet them. */
import { describe, expect, it } from 'vitest';
import { at, attach, createHeap, type HeapOptions, WriteAfterFreeError } from '#src/api/index.js';
import { type AddressSpace, createSpace, PROT } from '#src/api/pgtable/index.js';

const POISON = 0xdeadf4ee | 0;

const pool = (perPage: number): HeapOptions => ({
  geometry: {
    name: 'pool',
    pageBytes: 256 * perPage,
    kinds: [{ name: 'block', bytes: 256, perPage, slotBytes: 256 }],
  },
  pages: 4,
  debug: true,
});

describe.each([16, 1])('a pool with %s blocks to a page, in a debug heap', (perPage) => {
  it.each(['mm', 'all'] as const)('tells one caller of a write after a free: %s', (sharing) => {
    const { buffer } = createHeap({ ...pool(perPage), sharing });
    const [writer, reader, other] = [attach(buffer), attach(buffer), attach(buffer)];
    const mm = writer.createMm();
    const kept = writer.allocTable(mm);
    const block = writer.allocTable(mm);
    writer.memory.fill(block, 64, 5);
    reader.readLock();
    writer.freeTable(mm, block);
    writer.poll();
    expect(reader.memory.load(block)).toBe(5);
    reader.readUnlock();
    writer.barrier();
    // Whoever reads on, beyond its section, reads poison.
    expect(reader.memory.load(block)).toBe(POISON);
    reader.memory.store(block, 77);
    expect(other.check({ drained: true }).map(({ rule }) => rule)).toEqual(['U1']);
    const take = (): number => other.allocTable(mm);
    expect(take).toThrow(WriteAfterFreeError);
    expect(other.check({ drained: true })).toEqual([]);
    const facts = { table: block, word: 0, found: 77, freedBy: writer.id };
    reader.memory.store(block, 77);
    expect(take).toThrow(expect.objectContaining({ code: 'write-after-free', ...facts }));
    const again = take();
    expect(again).toBe(block);
    expect(writer.memory.load(again)).toBe(0);
    for (const table of [kept, again]) writer.freeTable(mm, table);
    writer.barrier();
    expect(writer.check({ drained: true })).toEqual([]);
  });
});

/** What a call returns; null, and an error more, where it throws. */
function attempt<Result>(thrown: unknown[], call: () => Result): Result | null {
  try {
    return call();
  } catch (error) {
    thrown.push(error);
    return null;
  }
}

describe('page tables in a debug heap', () => {
  it('are made on when one of their pages was written after a free', () => {
    const thread = attach(createHeap({ pages: 10, debug: true }).buffer);
    const mm = thread.createMm();
    const table = thread.allocTable(mm);
    thread.freeTable(mm, table);
    thread.destroyMm(mm);
    thread.barrier();
    thread.memory.store(at(table, 3), 1);
    const thrown: unknown[] = [];
    const make = (): AddressSpace | null => attempt(thrown, () => createSpace(thread));
    const space = make() ?? (make() as AddressSpace);
    // Until every page was taken once: this one among them.
    for (let span = 0; thread.pages().free > 0; ) {
      if (attempt(thrown, () => space.mapPage(span * 2 ** 21, 4096, PROT.read))) span++;
    }
    expect(thrown).toEqual([expect.any(WriteAfterFreeError)]);
    expect(thrown[0]).toMatchObject({ table, word: 3, found: 1, freedBy: thread.id });
    space.exit();
    thread.barrier();
    expect(thread.check({ drained: true })).toEqual([]);
  });
});

describe('a page table whose memory was written while it was free', () => {
  it.each(['mapPage', 'mapRange'] as const)('leaves no upper table to %s', (method) => {
    const thread = attach(createHeap({ geometry: 'riscv-sv39', pages: 3, debug: true }).buffer);
    const mm = thread.createMm();
    const pages = [0, 1, 2].map(() => thread.allocTable(mm));
    for (const page of pages) thread.freeTable(mm, page);
    thread.barrier();
    const space = createSpace(thread);
    const map = (): unknown =>
      method === 'mapPage' ? space.mapPage(0, 0, PROT.read) : space.mapRange(0, 4096, 0, PROT.read);
    const thrown: unknown[] = [];
    // One is the top table. Of the others one will be the upper, one the lower.
    for (const page of pages.filter((each) => thread.memory.load(each) === POISON)) {
      thread.memory.store(page, 77);
      attempt(thrown, map);
      expect(thread.tablesOf(space.mm)).toBe(1);
      thread.barrier();
    }
    expect(thrown).toEqual([expect.any(WriteAfterFreeError), expect.any(WriteAfterFreeError)]);
    space.exit();
    thread.barrier();
    expect(thread.check({ drained: true })).toEqual([]);
  });
});
