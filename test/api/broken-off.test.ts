/** An operation that an exception of others broke off half-way: the handle refuses all else. */
import { createContext, runInContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { type AttachedThread, attach, createHeap, type MmId } from '#src/api/index.js';
import { createSpace, openSpace, PROT, type Tlb } from '#src/api/pgtable/index.js';

interface Stage {
  readonly thread: AttachedThread;
  readonly other: AttachedThread;
  readonly mm: MmId;
}

function begin(): Stage {
  const { buffer } = createHeap({ geometry: 'riscv-sv39', pages: 64, mmsMax: 4 });
  const thread = attach(buffer, { lockStallMs: 0 });
  return { thread, other: attach(buffer, { lockStallMs: 0 }), mm: thread.createMm() };
}

/** Does something instead of a lock's release, the first time that one is released. */
function onRelease({ memory }: AttachedThread, instead: () => void): () => void {
  const { exchange } = memory;
  let isFirst = true;
  Object.assign(memory, {
    exchange: (word: number, value: number): number => {
      if (isFirst && value === 0) {
        isFirst = false;
        instead();
      }
      return exchange.call(memory, word, value);
    },
  });
  return () => Object.assign(memory, { exchange });
}

const BROKEN = { name: 'UsageError', code: 'broken-off' };

function expectRefused({ thread, mm }: Stage, name: string): void {
  const calls = [
    () => thread.allocTable(mm),
    () => thread.tryAllocTable(mm),
    () => thread.freeTable(mm, 4096),
    () => thread.createMm(),
    () => thread.readLock(),
    () => thread.poll(),
    () => thread.pages(),
    () => thread.detach(),
    () => thread.barrier(),
    () => createSpace(thread),
    () => openSpace(thread, mm),
  ];
  for (const call of calls) expect(call).toThrow(expect.objectContaining(BROKEN));
  expect(() => thread.poll()).toThrow(`${name} of thread ${thread.id} was broken off`);
}

describe('an operation that is broken off', () => {
  it('by an exception of others is named by all that follows', () => {
    const stage = begin();
    const undo = onRelease(stage.thread, () => {
      throw new RangeError('meant');
    });
    expect(() => stage.thread.allocTable(stage.mm)).toThrow('meant');
    undo();
    expectRefused(stage, 'allocTable');
  });

  it("by vm's time-out is named, and others see its lock", () => {
    let undo = (): void => {};
    const stage = breakOffIn(({ thread, mm }, until) => {
      undo = onRelease(thread, until);
      return () => thread.allocTable(mm);
    });
    undo();
    expectRefused(stage, 'allocTable');
    expect(stage.thread.check().map(({ rule }) => rule)).toContain('L1');
    expect(stage.other.blocker()).toMatchObject({ thread: stage.thread.id, cause: 'lock' });
  });

  it('is not one that was refused, or out of pages', () => {
    const { thread, mm } = begin();
    expect(() => thread.freeTable(mm, 4)).toThrow();
    expect(() => {
      for (;;) thread.allocTable(mm);
    }).toThrow(expect.objectContaining({ code: 'out-of-pages' }));
    expect(() => thread.destroyMm(mm)).toThrow(expect.objectContaining({ code: 'mm-has-tables' }));
    thread.detach();
  });
});

function isReading({ thread, other }: Stage): boolean | undefined {
  return other.threads().find((each) => each.thread === thread.id)?.isReading;
}

/**
 * A stage on which the time was up while a call waited in `until`. If it was up before, on a slow
 * machine, another stage is tried.
 */
function breakOffIn(callOf: (stage: Stage, until: () => void) => () => unknown): Stage {
  for (;;) {
    const stage = begin();
    let isThere = false;
    const call = callOf(stage, () => {
      isThere = true;
      for (;;);
    });
    const context = createContext({ call });
    expect(() => runInContext('call()', context, { timeout: 50 })).toThrow(/timed out/);
    if (isThere) return stage;
  }
}

/** The same of a call that waits once it has published a section. */
function breakOffPublished(callOf: (stage: Stage) => () => unknown): Stage {
  let undo = (): void => {};
  const stage = breakOffIn((found, until) => {
    const call = callOf(found);
    const { memory } = found.thread;
    const { store } = memory;
    Object.assign(memory, {
      store: (word: number, value: number): void => {
        store.call(memory, word, value);
        if (isReading(found) === true) until();
      },
    });
    undo = () => void Object.assign(memory, { store });
    return call;
  });
  undo();
  return stage;
}

describe('a section that was open when the time was up', () => {
  it("of the caller's own stays open until it is left", () => {
    const stage = breakOffIn(
      ({ thread }, until) =>
        () =>
          thread.read(until),
    );
    expect(isReading(stage)).toBe(true);
    stage.thread.readUnlock();
    expect(isReading(stage)).toBe(false);
    stage.other.synchronize();
  });

  it('is left by another one where readLock was broken off before it counted', () => {
    const stage = breakOffPublished(
      ({ thread }) =>
        () =>
          thread.readLock(),
    );
    const { thread } = stage;
    expect(() => thread.readUnlock()).toThrow(expect.objectContaining({ code: 'not-reading' }));
    expect(isReading(stage)).toBe(true);
    thread.readLock();
    thread.readUnlock();
    expect(isReading(stage)).toBe(false);
  });

  it("of an operation's own stays open for ever, and only a wait is held up by it", () => {
    const stage = breakOffPublished(({ thread }) => {
      const space = createSpace(thread);
      return () => space.mapPage(0, 0, PROT.read);
    });
    const { thread, other } = stage;
    expect(() => thread.readUnlock()).toThrow(expect.objectContaining(BROKEN));
    expect(isReading(stage)).toBe(true);
    expect(other.blockers()).toEqual([]);
    expect(other.check()).toEqual([]);
    expect(() => other.synchronize({ stallMs: 0 })).toThrow(
      expect.objectContaining({ waitsFor: 'reader', thread: thread.id }),
    );
    expect(other.blocker()).toMatchObject({ cause: 'reader', thread: thread.id });
  });
});

describe('a TLB of which a slot was half filled', () => {
  it.each([1, 2, 3, 4, 5, 6])('gives nothing wrong: broken off at write %d', (at) => {
    const { thread } = begin();
    const space = createSpace(thread);
    // Two pages that share the one slot.
    space.mapPage(0, 4096, PROT.read);
    space.mapPage(4096, 8192, PROT.read);
    const tlb = space.createTlb(1);
    const { memory } = tlb as Tlb;
    const { poke } = memory;
    thread.readLock();
    const [first, second] = [space.walk(0), space.walk(4096)];
    expect(space.walkCached(tlb, 0)).toBe(first);
    let writes = 0;
    Object.assign(memory, {
      poke: (word: number, value: number): void => {
        if (++writes === at) throw new RangeError('meant');
        poke.call(memory, word as never, value);
      },
    });
    expect(() => space.walkCached(tlb, 4096)).toThrow('meant');
    Object.assign(memory, { poke });
    expect(space.walkCached(tlb, 4096)).toBe(second);
    expect(space.walkCached(tlb, 0)).toBe(first);
    thread.readUnlock();
  });
});
