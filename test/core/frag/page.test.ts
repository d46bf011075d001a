/** The life of one page: which grace period a free waits for, the list, the lock, the callback. */
import { describe, expect, it } from 'vitest';
import type { MmId, Word } from '#src/core/base/units.js';
import { allocTable } from '#src/core/frag/alloc.js';
import { CALLBACKS } from '#src/core/frag/callback.js';
import { freeTable } from '#src/core/frag/free.js';
import { createMm, partialList } from '#src/core/frag/mm.js';
import { type Heap, headerWord, mmRecord, pfnOfAddress, type Thread } from '#src/core/mem/heap.js';
import { HEAP } from '#src/core/mem/layout.js';
import { supplyCounts } from '#src/core/mem/supply.js';
import { attachThread } from '#src/core/rcu/attach.js';
import { pollAll } from '#src/core/rcu/callback.js';
import { advanceGrace, beginGrace, endGrace, graceAhead } from '#src/core/rcu/grace-period.js';
import { rcuReadLock, rcuReadUnlock } from '#src/core/rcu/reader.js';
import {
  checkClean,
  checkDrained,
  contentsOf,
  drain,
  emptyContents,
  type HeapOptions,
  KIND_0,
  kindOf,
  makeHeap,
  nodeOf,
  nodesOf,
  pageField,
  siblingOf,
  statesOf,
  type TestHeap,
} from '../../support/heap.js';
import { HookMemory } from '../../support/hook.js';

interface Page extends TestHeap {
  readonly mm: MmId;
  readonly other: Thread;
  /** Fragment 0 of a page whose fragments are all allocated. */
  readonly page: Word;
  readonly free: (...indexes: number[]) => void;
  readonly states: () => string;
}

/** A heap with one page, all A; empty tables are not zeros, so that a node would show. */
function makePage(perPage: number, options: HeapOptions = {}): Page {
  const kinds = [kindOf(perPage, undefined, { emptyEven: 0x400, emptyOdd: 9 })];
  const made = makeHeap({ kinds, ...options });
  const { heap, thread } = made;
  const mm = createMm(thread);
  const page = allocTable(thread, mm, KIND_0) as Word;
  for (let i = 1; i < perPage; i++) allocTable(thread, mm, KIND_0);
  return {
    ...made,
    mm,
    other: attachThread(heap, 'epoch'),
    page,
    free: (...indexes) => {
      for (const index of indexes) freeTable(thread, mm, siblingOf(heap, page, index));
      checkClean(heap);
    },
    states: () => statesOf(heap, page),
  };
}

/** Pages on the list of partial pages, by address of the node. */
function listed(heap: Heap, mm: MmId): Word[] {
  const list = partialList(mmRecord(heap, heap.sharedOwner ? (0 as MmId) : mm), KIND_0);
  return nodesOf(heap, list);
}

/** Ends the grace period under way, or a whole one, and runs what is ripe once. */
function runCallbacks(heap: Heap, thread: Thread): number {
  const count = pollAll(thread, CALLBACKS, 100);
  checkClean(heap);
  return count;
}

describe('a free', () => {
  it('that queues the head, or comes before its grace period begins, becomes C (P10)', () => {
    const { heap, free, states, thread, page } = makePage(4);
    free(2);
    expect(states()).toBe('AACA');
    expect(pageField(heap, page, 'RCU')).toBe(graceAhead(heap));
    free(0, 3);
    expect(states()).toBe('CACC');
    expect(runCallbacks(heap, thread)).toBe(1);
    expect([states(), pageField(heap, page, 'RCU')]).toEqual(['FAFF', 0]);
  });

  it('that comes after its grace period began becomes N, and C when that is over (P10)', () => {
    const { heap, free, states, thread } = makePage(4);
    free(2);
    beginGrace(heap);
    free(3);
    expect(states()).toBe('AACN');
    expect(runCallbacks(heap, thread)).toBe(1);
    expect(states()).toBe('AAFC');
    free(0);
    expect(states()).toBe('CAFC');
    expect(runCallbacks(heap, thread)).toBe(1);
    expect(states()).toBe('FAFF');
  });

  it('that comes after its grace period is over, but before the callback, becomes N (P10)', () => {
    const { heap, free, states, thread } = makePage(4);
    free(2);
    for (let i = 0; i < 6; i++) advanceGrace(heap);
    free(1);
    expect(states()).toBe('ANCA');
    runCallbacks(heap, thread);
    expect(states()).toBe('ACFA');
  });

  it('that joins waits for a reader that entered between it and the first (P1)', () => {
    const { heap, free, states, thread, other } = makePage(4);
    free(2);
    rcuReadLock(other);
    free(3);
    expect(states()).toBe('AACC');
    for (let i = 0; i < 6; i++) expect(runCallbacks(heap, thread)).toBe(0);
    rcuReadUnlock(other);
    expect(runCallbacks(heap, thread)).toBe(1);
    expect(states()).toBe('AAFF');
  });

  it('in N is not used before its own grace period, though the page is listed (P1, P4)', () => {
    const { heap, free, states, thread, other, mm, page } = makePage(2);
    free(0);
    beginGrace(heap);
    rcuReadLock(other);
    free(1);
    endGrace(heap);
    runCallbacks(heap, thread);
    expect(states()).toBe('FC');
    // Without an A the page is on no list: a new table comes from a fresh page.
    const fresh = allocTable(thread, mm, KIND_0) as Word;
    expect(pfnOfAddress(heap, fresh)).not.toBe(pfnOfAddress(heap, page));
    for (let i = 0; i < 6; i++) expect(runCallbacks(heap, thread)).toBe(0);
    rcuReadUnlock(other);
    freeTable(thread, mm, fresh);
    checkDrained(thread);
  });

  it('writes nothing into the table, nor does anybody while a reader is inside (P2, H3)', () => {
    const { heap, mem, free, thread, other, mm, page } = makePage(4, { debug: false });
    const [kind] = heap.kinds as [(typeof heap.kinds)[0]];
    rcuReadLock(other);
    for (const index of [1, 2, 3]) {
      free(index);
      beginGrace(heap);
      runCallbacks(heap, thread);
      allocTable(thread, mm, KIND_0);
      for (const freed of [1, 2, 3]) {
        expect(contentsOf(heap, siblingOf(heap, page, freed))).toEqual(emptyContents(kind));
      }
    }
    rcuReadUnlock(other);
    drain(thread);
    // Now one of them holds the node.
    const changed = [1, 2, 3].filter((i) => mem.peek(siblingOf(heap, page, i)) !== 0x400);
    expect(changed).toEqual([1]);
  });
});

describe('a page', () => {
  it('is listed by its callback, at the head, in its lowest free fragment (P4)', () => {
    const { heap, free, thread, mm, page } = makePage(4);
    const second = allocTable(thread, mm, KIND_0) as Word;
    expect(listed(heap, mm)).toEqual([nodeOf(heap, second, 1)]);
    free(3, 2);
    expect(listed(heap, mm)).toHaveLength(1);
    runCallbacks(heap, thread);
    expect(listed(heap, mm)).toEqual([nodeOf(heap, page, 2), nodeOf(heap, second, 1)]);
    expect(pageField(heap, page, 'HOLDER')).toBe(3);
    // Its head serves again: the other fragment first, then the holder, and off the list.
    expect(allocTable(thread, mm, KIND_0)).toBe(siblingOf(heap, page, 3));
    expect(allocTable(thread, mm, KIND_0)).toBe(siblingOf(heap, page, 2));
    expect(listed(heap, mm)).toEqual([nodeOf(heap, second, 1)]);
    expect(pageField(heap, page, 'HOLDER')).toBe(0);
  });

  it('that waits at the head does not block usable ones behind it (H8)', () => {
    const { heap, free, thread, mm, page } = makePage(2);
    const second = allocTable(thread, mm, KIND_0) as Word;
    free(0);
    expect(allocTable(thread, mm, KIND_0)).toBe(siblingOf(heap, second, 1));
    expect(statesOf(heap, page)).toBe('CA');
  });

  it('keeps its place and its node when a callback finds it listed', () => {
    const { heap, free, thread, mm, page } = makePage(4);
    free(3);
    runCallbacks(heap, thread);
    const [node] = listed(heap, mm) as [Word];
    free(1);
    runCallbacks(heap, thread);
    expect(listed(heap, mm)).toEqual([node]);
    expect([statesOf(heap, page), pageField(heap, page, 'HOLDER')]).toEqual(['AFAF', 4]);
  });

  it('leaves the list with its last A, and is returned without the lock of its mm (P3, P5)', () => {
    const { heap, mem, free, thread, mm, page } = makePage(4, {
      memory: (words) => new HookMemory(words),
    });
    free(3);
    runCallbacks(heap, thread);
    expect(listed(heap, mm)).toHaveLength(1);
    const before = supplyCounts(thread).free;
    free(0, 1, 2);
    expect(listed(heap, mm)).toEqual([]);
    expect(pageField(heap, page, 'OWNER')).toBe(-mmRecord(heap, mm));
    const locks = new Set<Word>();
    (mem as HookMemory).watch((access, word) => {
      if (access === 'cas') locks.add(word);
    });
    expect(pollAll(thread, CALLBACKS, 100)).toBe(1);
    expect(locks.has(mmRecord(heap, mm))).toBe(false);
    expect(locks.has(headerWord(HEAP.SUPPLY_LOCK))).toBe(true);
    expect(supplyCounts(thread).free).toBe(before + 1);
    expect(pageField(heap, page, 'OWNER')).toBe(0);
    checkClean(heap, { drained: true });
  });

  it('with an A has its callback take the lock of its mm, once', () => {
    const { heap, mem, free, thread, mm } = makePage(4, {
      memory: (words) => new HookMemory(words),
    });
    free(3);
    let taken = 0;
    (mem as HookMemory).watch((access, word) => {
      if (access === 'cas' && word === mmRecord(heap, mm)) taken++;
    });
    expect(pollAll(thread, CALLBACKS, 100)).toBe(1);
    expect(taken).toBe(1);
  });
});

describe('two threads at a page', () => {
  const hooked: HeapOptions = { memory: (words) => new HookMemory(words) };

  it.each([0, 1])(
    'the last A is freed while the callback is about to lock (as fragment %i)',
    (last) => {
      const { heap, mem, thread, other, mm, page, states } = makePage(2, hooked);
      freeTable(thread, mm, siblingOf(heap, page, 1 - last));
      (mem as HookMemory).once(
        (access, word) => access === 'cas' && word === mmRecord(heap, mm),
        () => freeTable(other, mm, siblingOf(heap, page, last)),
      );
      expect(runCallbacks(heap, thread)).toBe(1);
      expect((mem as HookMemory).armed).toBe(false);
      expect(states()).toBe(last === 0 ? 'CF' : 'FC');
      expect(listed(heap, mm)).toEqual([]);
      checkDrained(thread);
    },
  );

  it('the last free asks before the grace period begins and is done after it: returned', () => {
    const { heap, mem, thread, other, mm, page } = makePage(2, hooked);
    freeTable(thread, mm, page);
    const waits = pageField(heap, page, 'RCU');
    (mem as HookMemory).once(
      (access, word) => access === 'cas' && word === mmRecord(heap, mm),
      () => {
        // What the other thread found when it asked, before it was held up.
        const started = mem.exchange(headerWord(HEAP.GP_STARTED), waits - 1);
        freeTable(other, mm, siblingOf(heap, page, 1));
        mem.store(headerWord(HEAP.GP_STARTED), started);
      },
    );
    expect(runCallbacks(heap, thread)).toBe(1);
    expect(pageField(heap, page, 'OWNER')).toBe(0);
    checkClean(heap, { drained: true });
    expect(supplyCounts(thread).free).toBe(supplyCounts(thread).limit);
  });

  it('the callback runs as soon as a free has queued the head: it waits, then refuses', () => {
    const { heap, mem, thread, other, mm, page } = makePage(2, { ...hooked, spins: 0 });
    const lock = mmRecord(heap, mm);
    (mem as HookMemory).once(
      (access, word) => access === 'exchange' && word === lock,
      () => {
        // The free still holds the lock: its thread is the one that would let go.
        expect(pollAll(other, CALLBACKS, 9)).toBe(0);
      },
    );
    freeTable(thread, mm, page);
    expect((mem as HookMemory).armed).toBe(false);
    expect(pollAll(other, CALLBACKS, 9)).toBe(1);
    checkClean(heap);
  });

  it('each brings a fresh page: both are listed', () => {
    const { heap, mem, thread, other, mm } = makePage(4, hooked);
    let theirs: Word | null = null;
    (mem as HookMemory).once(
      (access, word) => access === 'cas' && word === headerWord(HEAP.SUPPLY_LOCK),
      () => {
        theirs = allocTable(other, mm, KIND_0);
      },
    );
    const ours = allocTable(thread, mm, KIND_0) as Word;
    expect(theirs).not.toBe(null);
    expect(listed(heap, mm)).toEqual([ours, theirs].map((t) => nodeOf(heap, t as Word, 1)));
    checkClean(heap);
  });

  it('one frees what the other got, and both see the same counts', () => {
    const { heap, thread, other, mm, page } = makePage(4);
    for (const index of [0, 1, 2, 3]) {
      freeTable(index % 2 === 0 ? thread : other, mm, siblingOf(heap, page, index));
      checkClean(heap);
    }
    checkDrained(other);
  });
});
