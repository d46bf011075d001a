/**
 * What threads do in threads.test.ts: they share slots, each of which links one table of an mm. A
 * table that is linked has stamps of its slot in its words; who unlinks it empties it and frees it.
 *
 * So a reader that found a table may see its stamps or, later, the empty value, and then nothing
 * else until its section ends. Another stamp, or a list node, is memory used again too early (P1).
 */
import { at } from '#src/core/base/units.js';
import { allocTable } from '#src/core/frag/alloc.js';
import { CALLBACKS } from '#src/core/frag/callback.js';
import { fillEmpty } from '#src/core/frag/contents.js';
import { freeTable } from '#src/core/frag/free.js';
import { createMm, destroyMm } from '#src/core/frag/mm.js';
import { enterMm, leaveMm } from '#src/core/frag/users.js';
import { RCU_HEAD, THREAD } from '#src/core/mem/layout.js';
import { attachThread, detachThread } from '#src/core/rcu/attach.js';
import { poll, runCallback } from '#src/core/rcu/callback.js';
import { rcuReadLock, rcuReadUnlock } from '#src/core/rcu/reader.js';

/** The first shared word counts what readers found wrong; the slots are behind it. */
const WRONG = 0;
const SLOTS = 1;

const STAMP = 0x40000000;

/** One read of so many sleeps inside its section, so that others run even on one CPU. */
const READS_TO_A_SLEEP = 512;

const pause = new Int32Array(new SharedArrayBuffer(4));

/** A small generator of numbers, the same for a seed (xorshift). */
function makeRandom(seed) {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Runs this thread's callbacks at once, as if no reader existed: what must be found out. */
function pollAtOnce(thread) {
  const { mem, record } = thread;
  let head = mem.exchange(at(record, THREAD.QUEUE_NEW), 0);
  while (head !== 0) {
    const next = mem.peek(at(head, RCU_HEAD.NEXT));
    runCallback(thread, CALLBACKS, head);
    head = next;
  }
}

class Churn {
  constructor(thread, job, words) {
    this.thread = thread;
    this.job = job;
    this.words = words;
    this.random = makeRandom(job.seed);
    this.kind = thread.heap.kinds[job.kind];
    this.serial = 0;
    this.seen = { reads: 0, allocs: 0, frees: 0, emptied: 0, outOfPages: 0, mms: 0, wrong: 0 };
    this.first = '';
  }

  mmOf(slot) {
    return this.job.mms[slot % this.job.mms.length];
  }

  work() {
    const { job, seen, words } = this;
    for (let round = 1; round <= job.rounds && seen.wrong === 0; round++) {
      const slot = this.random() % job.slots;
      if (this.random() % 4 < 2) this.readSlot(slot);
      else this.changeSlot(slot);
      if (round % 16 === 0) this.poll();
      if (round % 512 === 0) this.useOwnMm();
      if (round % 1024 === 0) this.visit(slot);
      if (job.untilWrong && Atomics.load(words, WRONG) > 0) break;
    }
    if (seen.wrong > 0) Atomics.add(words, WRONG, 1);
    return { ...seen, first: this.first };
  }

  poll() {
    if (this.job.broken) pollAtOnce(this.thread);
    else poll(this.thread, CALLBACKS, 32);
  }

  /** Unlinks and frees what is linked, or links a new table. */
  changeSlot(slot) {
    const { thread, words, seen } = this;
    const old = Atomics.exchange(words, SLOTS + slot, 0);
    if (old !== 0) return this.free(this.mmOf(slot), old);
    const table = allocTable(thread, this.mmOf(slot), this.job.kind);
    if (table === null) {
      seen.outOfPages++;
      return this.poll();
    }
    seen.allocs++;
    this.serial = (this.serial + 1) & 0xfffff;
    const stamp = STAMP | (slot << 20) | this.serial;
    thread.mem.fill(table, this.kind.entryWords, stamp);
    if (Atomics.compareExchange(words, SLOTS + slot, 0, table) !== 0) {
      this.free(this.mmOf(slot), table);
    }
  }

  free(mm, table) {
    const { thread, kind } = this;
    fillEmpty(thread.mem, table, kind.fragmentWords, kind);
    freeTable(thread, mm, table);
    this.seen.frees++;
  }

  /** Looks at some words of a linked table for a while. */
  readSlot(slot) {
    const { thread, words, kind, seen } = this;
    rcuReadLock(thread);
    const table = Atomics.load(words, SLOTS + slot);
    if (table !== 0) {
      seen.reads++;
      const looks = 2 + (this.random() % (this.random() % 64 === 0 ? 2000 : 20));
      const last = kind.entryWords - 1;
      const sleeps = this.random() % READS_TO_A_SLEEP === 0;
      this.watch(slot, table, 0, kind.emptyEven, looks, sleeps);
      this.watch(slot, table, 1, kind.emptyOdd, 2);
      this.watch(slot, table, last, last % 2 === 0 ? kind.emptyEven : kind.emptyOdd, 2);
    }
    rcuReadUnlock(thread);
  }

  /** One stamp of this slot, then perhaps the empty value, then nothing else. */
  watch(slot, table, offset, empty, looks, sleeps = false) {
    const word = at(table, offset);
    let before = null;
    for (let look = 0; look < looks; look++) {
      const value = this.thread.mem.load(word);
      const own = value >>> 20 === (STAMP >>> 20) + slot;
      const may = before === null ? own || value === empty : value === before || value === empty;
      if (!may) {
        this.seen.wrong++;
        if (this.first === '') this.first = `slot ${slot}, word ${offset}: ${before} -> ${value}`;
        return;
      }
      if (value === empty && before !== null && before !== empty) this.seen.emptied++;
      before = value;
      if (sleeps && look === 0) Atomics.wait(pause, 0, 0, 1);
    }
  }

  /** An mm from its creation to its end, tables of all kinds in it. */
  useOwnMm() {
    const { thread } = this;
    let mm;
    try {
      mm = createMm(thread);
    } catch (error) {
      if (error.limit !== 'mmsMax') throw error;
      return this.poll();
    }
    const tables = [];
    for (let i = 0; i < 6; i++) {
      const table = allocTable(thread, mm, i % thread.heap.kinds.length);
      if (table !== null) tables.push(table);
    }
    for (const table of tables) freeTable(thread, mm, table);
    destroyMm(thread, mm);
    this.seen.mms++;
  }

  /** The same thread under another record, which leaves its callbacks behind. */
  visit(slot) {
    const mm = this.mmOf(slot);
    const guest = attachThread(this.thread.heap, 'epoch');
    enterMm(guest, mm);
    const table = allocTable(guest, mm, this.job.kind);
    if (table !== null) freeTable(guest, mm, table);
    leaveMm(guest, mm);
    if (this.job.broken) pollAtOnce(guest);
    detachThread(guest);
  }
}

export function churn(thread, job, words) {
  return new Churn(thread, job, words).work();
}
