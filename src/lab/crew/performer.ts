/**
 * A thread of a crew that takes tasks out of its ring and does them on the heap: what all such
 * threads have in common. It polls now and then, looks at how many pages are out, waits for words
 * that others write, and where pages or mm records run out lets others go on and tries again.
 */
import { LimitError } from '../../core/base/errors.js';
import type { MmId, Word } from '../../core/base/units.js';
import { CALLBACKS } from '../../core/frag/callback.js';
import { createMm } from '../../core/frag/mm.js';
import { outOfPages } from '../../core/frag/shortage.js';
import type { Thread } from '../../core/mem/heap.js';
import type { Memory } from '../../core/mem/memory.js';
import { poll, pollAll } from '../../core/rcu/callback.js';
import { CONTROL, controlWord } from './control.js';
import { atLeast, COUNT, count } from './counters.js';
import { throwIfFailed } from './failure.js';
import type { Member } from './member.js';
import { RingReader, TASK_STOP } from './ring.js';
import { type PageSamples, pagesInUse } from './samples.js';

/** Operations between two polls, and looks at how many pages are in use. */
const POLL_EVERY = 16;
const POLL_MAX = 32;

/** Looks at a word before going to sleep for it. */
const SPINS = 200;
const LOOK_MS = 20;

/** Tries without a page, a few hundred microseconds each, before giving up. */
const TRIES_MAX = 20_000;

export abstract class Performer {
  protected readonly thread: Thread;
  protected readonly mem: Memory;
  protected readonly control: Memory;
  protected readonly ring: RingReader;
  private readonly index: number;
  private readonly roamers: number;
  private hasMetRoamers = false;
  private readonly idle: () => void;
  private readonly pages: PageSamples = { peak: 0, sum: 0, count: 0 };

  constructor({ thread, control, index, roamers }: Member) {
    this.thread = thread;
    this.mem = thread.mem;
    this.control = control;
    this.index = index;
    this.roamers = roamers;
    this.ring = new RingReader(control, index);
    this.idle = (): void => this.poll();
  }

  /** Runs until the dispatcher says stop. */
  run(): PageSamples {
    const { ring } = this;
    for (let operations = 1; ; operations++) {
      ring.take(this.idle);
      if (ring.task === TASK_STOP) return this.pages;
      this.perform();
      this.count(COUNT.OPERATIONS, 1);
      if (operations % POLL_EVERY !== 0) continue;
      this.sample();
      this.poll();
    }
  }

  /** Does the task that is in the ring's fields. */
  protected abstract perform(): void;

  count(field: number, by: number): void {
    count(this.control, this.index, field, by);
  }

  protected atLeast(field: number, value: number): void {
    atLeast(this.control, this.index, field, value);
  }

  protected sample(): void {
    const { pages } = this;
    const inUse = pagesInUse(this.thread.heap);
    pages.peak = Math.max(pages.peak, inUse);
    pages.sum += inUse;
    pages.count++;
  }

  protected createMm(): MmId {
    for (let tries = 0; ; tries++) {
      try {
        return createMm(this.thread);
      } catch (error) {
        if (!(error instanceof LimitError) || tries > TRIES_MAX) throw error;
        this.relieve();
      }
    }
  }

  /** Tries until there is something, while pages come back. Throws `OutOfPagesError`. */
  untilPages<Value>(attempt: () => Value | null): Value {
    for (let tries = 0; tries <= TRIES_MAX; tries++) {
      const value = attempt();
      if (value !== null) return value;
      this.relieve();
    }
    throw outOfPages(this.thread.heap, 'the replay');
  }

  private poll(): void {
    const ran = poll(this.thread, CALLBACKS, POLL_MAX);
    if (ran > 0) this.count(COUNT.CALLBACKS, ran);
  }

  /** Nothing is left: runs what is ripe, or lets others go on for a moment. */
  private relieve(): void {
    throwIfFailed(this.control);
    this.count(COUNT.OUT_OF_PAGES, 1);
    const ran = pollAll(this.thread, CALLBACKS, POLL_MAX);
    if (ran > 0) this.count(COUNT.CALLBACKS, ran);
    else this.control.awaitChange(controlWord(CONTROL.FAILED), 0, 0.2);
  }

  /** Writes a word of `memory` that others may wait for. */
  protected announce(memory: Memory, word: Word, value: number): void {
    // PUBLISH(announce): with WAITERS read after the store, either the waiter sees the value
    // or we see the waiter.
    memory.store(word, value);
    this.wake(memory, word);
  }

  /** After a store to a word that others may wait for. */
  protected wake(memory: Memory, word: Word): void {
    if (this.control.load(controlWord(CONTROL.WAITERS)) !== 0) memory.notify(word);
  }

  /**
   * Before anything is taken away that roamers can meet: they may start late, and a replay that
   * was over by then would have shown nothing. Context: such a thing is there, and not claimed.
   */
  protected awaitRoamers(): void {
    if (this.hasMetRoamers) return;
    const { control, roamers } = this;
    this.awaitUntil(control, controlWord(CONTROL.MET), (met) => met >= roamers);
    this.hasMetRoamers = true;
  }

  protected awaitUntil(memory: Memory, word: Word, isDone: (value: number) => boolean): number {
    for (let spin = 0; spin < SPINS; spin++) {
      // OBSERVE(announce): what the announcer wrote before is visible too.
      const value = memory.load(word);
      if (isDone(value)) return value;
    }
    const { control } = this;
    const waiters = controlWord(CONTROL.WAITERS);
    control.add(waiters, 1);
    let value = memory.load(word);
    while (!isDone(value)) {
      throwIfFailed(control);
      this.poll();
      memory.awaitChange(word, value, LOOK_MS);
      value = memory.load(word);
    }
    control.add(waiters, -1);
    return value;
  }
}

export function isSet(value: number): boolean {
  return value !== 0;
}
