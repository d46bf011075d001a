/**
 * Rings: the dispatcher hands tasks to performers in the order of the recording.
 *
 * A full ring makes the dispatcher wait, so a recording of any length takes bounded memory. It
 * can't deadlock: performers wait only for tasks that are earlier in that order, and the earliest
 * one not done yet is always in some ring and waits for nothing.
 */
import type { Word } from '../../core/base/units.js';
import { at } from '../../core/base/units.js';
import type { Memory } from '../../core/mem/memory.js';
import { ENTRY_WORDS, RING, RING_ENTRIES, ringOf } from './control.js';
import { throwIfFailed } from './failure.js';

/** The task that ends a performer's work. Those above it mean what the crew at hand says. */
export const TASK_STOP = 0;

/** Entries that may lie unpublished in the dispatcher's hands. */
const PUBLISH_EVERY = 16;

/** How long a wait sleeps before it looks whether another thread has failed. */
const LOOK_MS = 20;

/** Looks at a full ring, over half a minute, before its performer is given up. */
const LOOKS_MAX = 3000;

/** The dispatcher's end of all rings. */
export class RingWriter {
  private readonly control: Memory;
  private readonly put: number[];

  constructor(control: Memory, rings: number) {
    this.control = control;
    this.put = new Array<number>(rings).fill(0);
  }

  write(ring: number, task: number, mm: number, first: number, second: number): void {
    const { control } = this;
    const put = this.put[ring] as number;
    if (((put - control.load(at(ringOf(ring), RING.TAKEN))) | 0) >= RING_ENTRIES)
      this.await(ring, put);
    const entry = entryAt(ring, put);
    control.poke(entry, task);
    control.poke(at(entry, 1), mm);
    control.poke(at(entry, 2), first);
    control.poke(at(entry, 3), second);
    this.put[ring] = (put + 1) | 0;
    if ((put + 1) % PUBLISH_EVERY === 0) this.publish(ring);
  }

  /** Lets all performers return when they have done what is in their rings. */
  stop(): void {
    for (let ring = 0; ring < this.put.length; ring++) this.write(ring, TASK_STOP, 0, 0, 0);
    this.flush();
  }

  /** Makes everything written so far visible. */
  private flush(): void {
    for (let ring = 0; ring < this.put.length; ring++) this.publish(ring);
  }

  private publish(ring: number): void {
    const word = at(ringOf(ring), RING.PUT);
    // PUBLISH(ring): the entries are plain.
    if (this.control.exchange(word, this.put[ring] as number) !== this.put[ring])
      this.control.notify(word);
  }

  private await(ring: number, put: number): void {
    this.flush();
    const taken = at(ringOf(ring), RING.TAKEN);
    for (let looks = 0; looks < LOOKS_MAX; looks++) {
      const seen = this.control.load(taken);
      if (((put - seen) | 0) < RING_ENTRIES) return;
      throwIfFailed(this.control);
      this.control.awaitChange(taken, seen, LOOK_MS);
    }
    throw new Error(`performer ${ring} of the replay has stopped without a word`);
  }
}

/** A performer's end of its ring. */
export class RingReader {
  task = 0;
  mm = 0;
  first = 0;
  second = 0;
  private readonly control: Memory;
  private readonly ring: number;
  private taken = 0;
  private put = 0;

  constructor(control: Memory, ring: number) {
    this.control = control;
    this.ring = ring;
  }

  /** Takes the next entry into the fields; calls `idle` while there is none. */
  take(idle: () => void): void {
    if (this.taken === this.put) this.await(idle);
    const entry = entryAt(this.ring, this.taken);
    this.task = this.control.peek(entry);
    this.mm = this.control.peek(at(entry, 1));
    this.first = this.control.peek(at(entry, 2));
    this.second = this.control.peek(at(entry, 3));
    this.taken = (this.taken + 1) | 0;
    if (this.taken % PUBLISH_EVERY !== 0 && this.taken !== this.put) return;
    const word = at(ringOf(this.ring), RING.TAKEN);
    this.control.store(word, this.taken);
    this.control.notify(word);
  }

  private await(idle: () => void): void {
    const word = at(ringOf(this.ring), RING.PUT);
    for (;;) {
      // OBSERVE(ring): the entries up to here are visible.
      this.put = this.control.load(word);
      if (this.put !== this.taken) return;
      throwIfFailed(this.control);
      idle();
      this.control.awaitChange(word, this.put, 1);
    }
  }
}

function entryAt(ring: number, position: number): Word {
  const index = (position >>> 0) % RING_ENTRIES;
  return at(ringOf(ring), RING.ENTRIES + index * ENTRY_WORDS);
}
