/**
 * A mutator of a replay: takes operations out of its ring and does them on the heap.
 *
 * Alloc: the table is filled with its stamp, published in a slot for readers, and only then its
 * address is written down, which is what its free waits for. Free: unpublished, emptied, freed, by
 * whichever mutator the trace says. Destroy waits for the frees of its mm. Out of pages, or of mm
 * records, it polls and tries again. All else is free to race.
 */
import { LimitError, OutOfPagesError } from '../base/errors.js';
import type { KindId, MmId, Word } from '../base/units.js';
import { allocTable } from '../frag/alloc.js';
import { CALLBACKS } from '../frag/callback.js';
import { fillEmpty } from '../frag/contents.js';
import { freeTable } from '../frag/free.js';
import { createMm, destroyMm } from '../frag/mm.js';
import { type Heap, type HeapKind, headerWord, type Thread } from '../mem/heap.js';
import { HEAP } from '../mem/layout.js';
import type { Memory } from '../mem/memory.js';
import { poll, pollAll } from '../rcu/callback.js';
import {
  CONTROL,
  COUNT,
  controlWord,
  count,
  mmFreedWord,
  mmWord,
  packSlot,
  slotWord,
  stampOf,
  tableWord,
} from './control.js';
import { RingReader, TASK, throwIfFailed } from './ring.js';

/** Pages in use, as a mutator saw it now and then. */
export interface PageSamples {
  peak: number;
  sum: number;
  count: number;
}

/** Operations between two polls, and looks at how many pages are in use. */
const POLL_EVERY = 16;
const POLL_MAX = 32;

/** Looks at a word before going to sleep for it. */
const SPINS = 200;
const LOOK_MS = 20;

/** Tries without a page, a few hundred microseconds each, before giving up. */
const TRIES_MAX = 20_000;

export class Mutator {
  private readonly thread: Thread;
  private readonly mem: Memory;
  private readonly control: Memory;
  private readonly index: number;
  private readonly ring: RingReader;
  private readonly idle: () => void;
  private readonly pages: PageSamples = { peak: 0, sum: 0, count: 0 };

  constructor(thread: Thread, control: Memory, index: number) {
    this.thread = thread;
    this.mem = thread.mem;
    this.control = control;
    this.index = index;
    this.ring = new RingReader(control, index);
    this.idle = (): void => this.poll();
  }

  /** Runs until the dispatcher says stop. */
  run(): PageSamples {
    const { ring } = this;
    for (let operations = 1; ; operations++) {
      ring.take(this.idle);
      if (ring.task === TASK.stop) return this.pages;
      this.perform();
      if (operations % POLL_EVERY !== 0) continue;
      this.sample();
      this.poll();
    }
  }

  private sample(): void {
    const { pages } = this;
    const inUse = pagesInUse(this.thread.heap);
    pages.peak = Math.max(pages.peak, inUse);
    pages.sum += inUse;
    pages.count++;
  }

  private perform(): void {
    const { task, mm, kind, table } = this.ring;
    if (task === TASK.create) this.create(mm);
    else if (task === TASK.alloc) this.alloc(mm, kind, table);
    else if (task === TASK.free) this.free(mm, kind, table);
    else this.destroy(mm, table);
    count(this.control, this.index, COUNT.OPERATIONS, 1);
  }

  private create(mm: number): void {
    for (let tries = 0; ; tries++) {
      try {
        this.announce(mmWord(mm), createMm(this.thread));
        return;
      } catch (error) {
        if (!(error instanceof LimitError) || tries > TRIES_MAX) throw error;
        this.relieve();
      }
    }
  }

  private alloc(mm: number, kind: number, table: number): void {
    const shape = this.thread.heap.kinds[kind] as HeapKind;
    const id = this.awaitSet(mmWord(mm)) as MmId;
    let address = allocTable(this.thread, id, kind as KindId);
    for (let tries = 0; address === null; tries++) {
      if (tries > TRIES_MAX) throw new OutOfPagesError('the replay', this.thread.heap.pagesMax);
      this.relieve();
      address = allocTable(this.thread, id, kind as KindId);
    }
    this.mem.fill(address, shape.fragmentWords, stampOf(table));
    // PUBLISH(table): the stamps are plain.
    this.control.store(slotWord(table), packSlot(table, kind));
    this.announce(tableWord(table), address);
  }

  private free(mm: number, kind: number, table: number): void {
    const shape = this.thread.heap.kinds[kind] as HeapKind;
    const id = this.awaitSet(mmWord(mm)) as MmId;
    const address = this.awaitSet(tableWord(table)) as Word;
    // Unless a later table took the slot over.
    this.control.cas(slotWord(table), packSlot(table, kind), 0);
    fillEmpty(this.mem, address, shape.fragmentWords, shape);
    freeTable(this.thread, id, address);
    const freed = mmFreedWord(mm);
    this.control.add(freed, 1);
    if (this.control.load(controlWord(CONTROL.WAITERS)) !== 0) this.control.notify(freed);
  }

  private destroy(mm: number, frees: number): void {
    const id = this.awaitSet(mmWord(mm)) as MmId;
    this.awaitUntil(mmFreedWord(mm), (freed) => freed === frees);
    destroyMm(this.thread, id);
  }

  private poll(): void {
    const ran = poll(this.thread, CALLBACKS, POLL_MAX);
    if (ran > 0) count(this.control, this.index, COUNT.CALLBACKS, ran);
  }

  /** Nothing is left: runs what is ripe, or lets others go on for a moment. */
  private relieve(): void {
    throwIfFailed(this.control);
    count(this.control, this.index, COUNT.OUT_OF_PAGES, 1);
    const ran = pollAll(this.thread, CALLBACKS, POLL_MAX);
    if (ran > 0) count(this.control, this.index, COUNT.CALLBACKS, ran);
    else this.control.awaitChange(controlWord(CONTROL.FAILED), 0, 0.2);
  }

  /** Writes a word that others may wait for. */
  private announce(word: Word, value: number): void {
    // PUBLISH(announce): with WAITERS read after the store, either the waiter sees the value
    // or we see the waiter.
    this.control.store(word, value);
    if (this.control.load(controlWord(CONTROL.WAITERS)) !== 0) this.control.notify(word);
  }

  private awaitSet(word: Word): number {
    return this.awaitUntil(word, isSet);
  }

  private awaitUntil(word: Word, isDone: (value: number) => boolean): number {
    const { control } = this;
    for (let spin = 0; spin < SPINS; spin++) {
      // OBSERVE(announce): what the announcer wrote before is visible too.
      const value = control.load(word);
      if (isDone(value)) return value;
    }
    const waiters = controlWord(CONTROL.WAITERS);
    control.add(waiters, 1);
    let value = control.load(word);
    while (!isDone(value)) {
      throwIfFailed(control);
      this.poll();
      control.awaitChange(word, value, LOOK_MS);
      value = control.load(word);
    }
    control.add(waiters, -1);
    return value;
  }
}

/** Pages that are out of the supply. Plain, without its lock: it may be a few off. */
export function pagesInUse(heap: Heap): number {
  const { mem } = heap;
  return mem.peek(headerWord(HEAP.LIMIT_PAGES)) - mem.peek(headerWord(HEAP.FREE_PAGES));
}

function isSet(value: number): boolean {
  return value !== 0;
}
