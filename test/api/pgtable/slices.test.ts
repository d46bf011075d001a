/** Ranges in slices: what is left when progress throws, and who may end what meanwhile. */
import { attach, createHeap } from 'ptfrag';
import { type AddressSpace, createSpace, openSpace, PROT } from 'ptfrag/pgtable';
import { describe, expect, it } from 'vitest';

const MIB = 2 ** 20;
const BYTES = 64 * MIB;
const READ_WRITE = PROT.read | PROT.write;

function fresh(): {
  thread: ReturnType<typeof attach>;
  space: AddressSpace;
  buffer: SharedArrayBuffer;
} {
  const { buffer } = createHeap({ geometry: 'generic', pages: 400, mmsMax: 8 });
  const thread = attach(buffer);
  return { thread, space: createSpace(thread), buffer };
}

/** Throws at the last call: when all is done. */
function atTheEnd(done: number, total: number): void {
  if (done === total) throw new Error('mine');
}

const mapped = (space: AddressSpace, thread: ReturnType<typeof attach>): boolean =>
  thread.read(() => space.walk(0)) !== -1;

describe('progress that throws at its last call', () => {
  it('leaves nothing mapped', async () => {
    const { thread, space } = fresh();
    const mapping = space.mapRangeAsync(0, BYTES, 0, READ_WRITE, { onProgress: atTheEnd });
    await expect(mapping).rejects.toThrow('mine');
    expect(mapped(space, thread)).toBe(false);
    thread.barrier();
    thread.barrier();
    expect(thread.tablesOf(space.mm)).toBe(1);
    expect(thread.check({ drained: true })).toEqual([]);
  });

  it('leaves no child', async () => {
    const { thread, space } = fresh();
    space.mapRange(0, 16 * MIB, 0, READ_WRITE);
    await expect(space.forkAsync({ onProgress: atTheEnd })).rejects.toThrow('mine');
    thread.barrier();
    thread.barrier();
    expect(thread.check({ drained: true })).toEqual([]);
    // No mm but the parent's: the numbers of all others are free.
    expect([2, 3, 4].map((mm) => tablesOrNone(thread, mm))).toEqual([null, null, null]);
  });

  it('leaves the space there, empty', async () => {
    const { thread, space } = fresh();
    space.mapRange(0, 16 * MIB, 0, READ_WRITE);
    await expect(space.exitAsync({ onProgress: atTheEnd })).rejects.toThrow('mine');
    expect(mapped(space, thread)).toBe(false);
    space.exit();
  });

  it('may be asynchronous: the range waits, and what it rejects with is an abort', async () => {
    const { thread, space } = fresh();
    const order: string[] = [];
    const mapping = space.mapRangeAsync(0, BYTES, 0, READ_WRITE, {
      onProgress: async (done, total) => {
        order.push('begun');
        await new Promise((resolve) => setTimeout(resolve, 0));
        order.push('over');
        atTheEnd(done, total);
      },
    });
    await expect(mapping).rejects.toThrow('mine');
    expect(order.length).toBeGreaterThan(0);
    expect(order).toEqual(order.map((_, index) => (index % 2 === 0 ? 'begun' : 'over')));
    expect(mapped(space, thread)).toBe(false);
    space.exit();
    thread.barrier();
    expect(thread.check({ drained: true })).toEqual([]);
  });

  it('may never be over: a signal and a detach are heard even so', async () => {
    const { thread, space } = fresh();
    const onProgress = (): Promise<never> => new Promise(() => {});
    const control = new AbortController();
    const { signal } = control;
    const aborted = space.mapRangeAsync(0, BYTES, 0, READ_WRITE, { onProgress, signal });
    setTimeout(() => control.abort(new Error('enough')), 0);
    await expect(aborted).rejects.toThrow('enough');
    expect(mapped(space, thread)).toBe(false);
    const detached = space.mapRangeAsync(0, BYTES, 0, READ_WRITE, { onProgress });
    setTimeout(() => thread.detach(), 0);
    await expect(detached).rejects.toThrow('has left the heap');
    expect(() => space.createTlb(4)).toThrow('has left the heap');
  });

  it('is told once that all is done, and nothing after it', async () => {
    const { space } = fresh();
    const calls: number[] = [];
    const onProgress = (done: number, total: number): void => void calls.push(done / total);
    await space.mapRangeAsync(0, BYTES, 0, READ_WRITE, { onProgress });
    expect(calls.filter((share) => share === 1)).toHaveLength(1);
    expect(calls.at(-1)).toBe(1);
  });
});

function tablesOrNone(thread: ReturnType<typeof attach>, mm: number): number | null {
  try {
    return thread.tablesOf(mm as AddressSpace['mm']);
  } catch {
    return null;
  }
}

describe('while a range is under way', () => {
  const begin = (space: AddressSpace): Promise<void> =>
    space.mapRangeAsync(0, BYTES, 0, READ_WRITE);

  it('nobody can end its space, by whatever handle', async () => {
    const { thread, space, buffer } = fresh();
    const range = begin(space);
    const other = attach(buffer);
    const inUse = expect.objectContaining({ code: 'mm-in-use' });
    expect(() => space.exit()).toThrow(inUse);
    expect(() => openSpace(other, space.mm).exit()).toThrow(inUse);
    await expect(openSpace(thread, space.mm).exitAsync()).rejects.toEqual(inUse);
    await range;
    expect(mapped(space, thread)).toBe(true);
    space.exit();
    expect(thread.check()).toEqual([]);
  });

  it('nobody else ends a space that is ending', async () => {
    const { thread, space, buffer } = fresh();
    space.mapRange(0, 16 * MIB, 0, READ_WRITE);
    const ending = space.exitAsync();
    const inUse = expect.objectContaining({ code: 'mm-in-use' });
    expect(() => openSpace(attach(buffer), space.mm).exit()).toThrow(inUse);
    await expect(openSpace(thread, space.mm).exitAsync()).rejects.toEqual(inUse);
    await ending;
    expect(() => openSpace(thread, space.mm)).toThrow('mm 1 has ended');
  });

  it('an exit that is stopped leaves nobody counted in', async () => {
    const { thread, space } = fresh();
    space.mapRange(0, 16 * MIB, 0, READ_WRITE);
    const stopped = space.exitAsync({ onProgress: () => Promise.reject(new Error('enough')) });
    await expect(stopped).rejects.toThrow('enough');
    space.exit();
    expect(thread.check()).toEqual([]);
  });

  it('a second exit is refused, whoever asks for it in a progress of the first', async () => {
    const { space } = fresh();
    space.mapRange(0, 16 * MIB, 0, READ_WRITE);
    const refused: unknown[] = [];
    const again = (): Promise<unknown> => space.exitAsync().catch((error) => refused.push(error));
    await space.exitAsync({ onProgress: again });
    expect(refused.length).toBeGreaterThan(0);
    for (const error of refused) expect(String(error)).toContain('exitAsync of it is under way');
  });

  it('its thread can leave: the range is undone before, and rejects', async () => {
    const { thread, space, buffer } = fresh();
    const range = begin(space);
    thread.detach();
    const next = attach(buffer);
    expect(next.id).toBe(thread.id);
    await expect(range).rejects.toMatchObject({ name: 'UsageError', code: 'detached' });
    const again = openSpace(next, space.mm);
    expect(mapped(again, next)).toBe(false);
    again.exit();
    expect(next.check()).toEqual([]);
  });

  it('its thread can leave in the middle of telling progress', async () => {
    const { thread, space, buffer } = fresh();
    const onProgress = (): void => thread.detach();
    const range = space.mapRangeAsync(0, BYTES, 0, READ_WRITE, { onProgress });
    await expect(range).rejects.toMatchObject({ code: 'detached' });
    const next = attach(buffer);
    openSpace(next, space.mm).exit();
    expect(next.check()).toEqual([]);
  });

  it('a space that is ending in slices is no space any more', async () => {
    const { space } = fresh();
    space.mapRange(0, 16 * MIB, 0, READ_WRITE);
    const ending = space.exitAsync();
    expect(() => space.exit()).toThrow('an exitAsync of it is under way');
    await expect(space.exitAsync()).rejects.toThrow('an exitAsync of it is under way');
    await ending;
    await expect(space.exitAsync()).rejects.toThrow('mm 1 has ended');
  });
});
