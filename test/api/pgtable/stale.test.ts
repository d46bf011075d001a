/** Handles on a space that has ended, when the record of its mm serves the next space. */
import { type AttachedThread, attach, type MmId } from 'ptfrag';
import { type AddressSpace, createSpace, NOT_MAPPED, openSpace, PROT } from 'ptfrag/pgtable';
import { describe, expect, it } from 'vitest';
import { openHeap } from '#src/core/mem/heap.js';
import { MM } from '#src/core/mem/layout.js';
import { SharedMemory } from '#src/core/mem/shared.js';
import { codeOf, expectWhole, setUp, walkAt } from '../../support/space.js';

const RW = PROT.read | PROT.write;
const FRAME = 0x9000;

interface Scene {
  readonly buffer: SharedArrayBuffer;
  readonly thread: AttachedThread;
  /** Ended by itself, and another on the same space. */
  readonly stale: readonly AddressSpace[];
  readonly ended: MmId;
  readonly next: AddressSpace;
}

/** A space ended, and the next one, in the only record, with page 0 mapped. */
function makeScene(): Scene {
  const { buffer, thread, space } = setUp({ mmsMax: 1 });
  space.mapRange(0, 4 * 4096, 0x1000, RW);
  const other = openSpace(thread, space.mm);
  space.exit();
  thread.barrier();
  const next = createSpace(thread);
  next.mapPage(0, FRAME, RW);
  return { buffer, thread, stale: [space, other], ended: space.mm, next };
}

describe('the end of a space', () => {
  const inSection = (thread: AttachedThread, walk: () => unknown): unknown => thread.read(walk);

  it.each<[string, (space: AddressSpace, thread: AttachedThread) => unknown]>([
    ['exit', (space) => space.exit()],
    ['walk', (space, thread) => inSection(thread, () => space.walk(0))],
    [
      'walkCached',
      (space, thread) => {
        const tlb = space.createTlb(4);
        return inSection(thread, () => space.walkCached(tlb, 0));
      },
    ],
    ['mapPage', (space) => space.mapPage(0x8000, 0, RW)],
    ['mapRange', (space) => space.mapRange(0x8000, 4096, 0, RW)],
    ['unmapRange', (space) => space.unmapRange(0, 4096)],
    ['protect', (space) => space.protect(0, 4096, PROT.read)],
    ['fork', (space) => space.fork()],
    ['collapse', (space) => space.collapse(0, 0, RW)],
    ['split', (space) => space.split(0)],
    ['dumpImage', (space) => space.dumpImage()],
    ['check', (space) => space.check()],
  ])('%s is refused by all handles on it, and the next space is not touched (P11)', (_, call) => {
    const { thread, stale, next } = makeScene();
    for (const space of stale) expect(codeOf(() => call(space, thread))).toBe('no-space');
    expect(next.mm).not.toBe(stale[0]?.mm);
    expect(walkAt(thread, next, 0)).not.toBe(NOT_MAPPED);
    expect(walkAt(thread, next, 0x8000)).toBe(NOT_MAPPED);
    expect(next.check()).toEqual([]);
    next.exit();
    expectWhole(thread);
  });

  it.each<[string, (space: AddressSpace) => Promise<unknown>]>([
    ['exitAsync', (space) => space.exitAsync()],
    ['mapRangeAsync', (space) => space.mapRangeAsync(0x8000, 4096, 0, RW)],
    ['unmapRangeAsync', (space) => space.unmapRangeAsync(0, 4096)],
    ['protectAsync', (space) => space.protectAsync(0, 4096, PROT.read)],
    ['forkAsync', (space) => space.forkAsync()],
  ])('%s is refused too', async (_, call) => {
    const { thread, stale, next } = makeScene();
    for (const space of stale)
      await expect(call(space)).rejects.toMatchObject({ code: 'no-space' });
    expect(walkAt(thread, next, 0)).not.toBe(NOT_MAPPED);
    next.exit();
    expectWhole(thread);
  });

  it('says which mm has the record now', () => {
    const { thread, stale, ended, next } = makeScene();
    const says = `mm ${ended} has ended; its record serves mm ${next.mm} now`;
    expect(() => stale[1]?.exit()).toThrow(says);
    expect(() => openSpace(thread, ended)).toThrow(says);
    expect(codeOf(() => openSpace(thread, ended))).toBe('mm-not-live');
  });

  it('leaves nothing in a TLB for the next space, and a stale handle fills none', () => {
    const { thread, space } = setUp({ mmsMax: 1 });
    const other = openSpace(thread, space.mm);
    const tlb = space.createTlb(1);
    const cached = (by: AddressSpace): number => thread.read(() => by.walkCached(tlb, 0));
    space.mapPage(0, 0x1000, RW);
    const found = cached(space);
    space.exit();
    thread.barrier();
    const next = createSpace(thread);
    expect(cached(next)).toBe(NOT_MAPPED);
    next.mapPage(0, FRAME, RW);
    expect(cached(next)).not.toBe(found);
    expect(codeOf(() => cached(other))).toBe('no-space');
    expect(cached(next)).toBe(walkAt(thread, next, 0));
  });

  it('leaves nothing in a TLB even for a space that has its number, when that comes round', () => {
    const { buffer, thread, space } = setUp({ mmsMax: 1 });
    const { mmMask, mmsAt } = openHeap(new SharedMemory(new Int32Array(buffer), true));
    const tlb = space.createTlb(1);
    const cached = (by: AddressSpace): number => thread.read(() => by.walkCached(tlb, 0));
    space.mapPage(0, 0x1000, RW);
    expect(cached(space)).not.toBe(NOT_MAPPED);
    space.exit();
    thread.barrier();
    // As if the mm before had been the last one of the record.
    const record = mmsAt + MM.WORDS * (space.mm & mmMask);
    thread.memory.store(record + MM.LIFE, -((space.mm - mmMask - 1) & 0x7fffffff));
    const next = createSpace(thread);
    expect(next.mm).toBe(space.mm);
    expect(cached(next)).toBe(NOT_MAPPED);
  });
});

describe('a space of a thread that has left', () => {
  it('is refused while another thread that has its record is in a section', () => {
    const { buffer, thread, space } = setUp({ threadsMax: 1 });
    space.mapPage(0, FRAME, RW);
    const tlb = space.createTlb(1);
    thread.detach();
    const heir = attach(buffer);
    expect(heir.id).toBe(thread.id);
    heir.readLock();
    expect(codeOf(() => space.walk(0))).toBe('detached');
    expect(codeOf(() => space.walkCached(tlb, 0))).toBe('detached');
    heir.readUnlock();
  });
});
