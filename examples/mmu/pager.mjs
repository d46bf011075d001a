/**
 * What a CPU's thread does about a page fault, outside of any read section. Each call makes one
 * attempt and returns; the instruction is done again, and faults again if that was not enough.
 */
import { frameOf, NOT_MAPPED, protOf } from 'ptfrag/pgtable';
import * as frames from './frames.mjs';
import { allowed, BUSY, copyPage, PAGE, pageIndex, spanIndex } from './machine.mjs';

/** How long one attempt waits at most: the thread has to look up now and then. */
const WAIT_MS = 2;

/** Frames that are given back together, after one grace period for all. */
const LIMBO_MAX = 64;

export class Pager {
  constructor(thread, space, machine) {
    this.thread = thread;
    this.space = space;
    this.machine = machine;
    /** Unmapped, but some thread may still be using them. */
    this.limbo = [];
    this.counts = { faults: 0, lost: 0, waits: 0 };
  }

  handle(address, needs) {
    const page = address - (address % PAGE);
    if ((allowed(this.machine, page) & needs) !== needs) {
      throw new Error(`the guest may not touch 0x${address.toString(16)}`);
    }
    this.counts.faults++;
    const span = spanIndex(page);
    const version = Atomics.load(this.machine.versions, span);
    if ((version & BUSY) !== 0) return this.awaitSpan(span, version);
    const found = this.find(page);
    if (found === NOT_MAPPED) this.fill(page, span, version);
    else if ((protOf(found) & needs) !== needs) this.makeWritable(page, span, version, found);
  }

  find(page) {
    this.thread.readLock();
    const found = this.space.walk(page);
    this.thread.readUnlock();
    return found;
  }

  /** Brings a page in from the store. What takes long comes before the lock. */
  fill(page, span, version) {
    const frame = this.copyIn(page);
    if (frame !== frames.NONE) this.mapCopy(page, span, version, frame);
  }

  /** A frame with what the store has of a page, or NONE. */
  copyIn(page) {
    const { machine } = this;
    const frame = this.allocate();
    if (frame !== frames.NONE) copyPage(machine.ram, frame, machine.store, pageIndex(page));
    return frame;
  }

  /** Maps a page to that frame, if nothing has happened to its span since that version. */
  mapCopy(page, span, version, frame) {
    const { machine } = this;
    let mapped = false;
    // Another version: the page may have been out again since, and the copy be old or torn.
    if (this.lock(span, version)) {
      mapped = this.space.mapPage(page, frame * PAGE, allowed(machine, page));
      this.unlock(span, version);
    }
    if (mapped) return;
    // Another CPU was faster. Nobody has seen our frame, so it can go back at once.
    frames.release(machine, frame);
    this.counts.lost++;
  }

  /** A page that a fork has made read-only: the last who maps the frame keeps it, others copy. */
  makeWritable(page, span, version, found) {
    const { machine, space } = this;
    const old = frameOf(found);
    const frame = frames.isShared(machine, old) ? this.allocate() : old;
    if (frame === frames.NONE) return;
    const locked = this.lock(span, version);
    const same = locked && this.find(page) === found;
    if (same && frame === old) space.protect(page, PAGE, allowed(machine, page));
    if (same && frame !== old) {
      copyPage(machine.ram, frame, machine.ram, old);
      space.unmapRange(page, PAGE);
      space.mapPage(page, frame * PAGE, allowed(machine, page));
      Atomics.add(machine.copied, 0, 1);
    }
    if (locked) this.unlock(span, version);
    if (frame === old) return;
    // The old frame may still be read through a translation from before.
    if (same) this.defer(old);
    else frames.release(machine, frame);
  }

  /** Only the span's version of before can be locked. Held briefly; the host may hold it longer. */
  lock(span, version) {
    const { versions } = this.machine;
    return Atomics.compareExchange(versions, span, version, version | BUSY) === version;
  }

  unlock(span, version) {
    const { versions } = this.machine;
    Atomics.store(versions, span, version);
    Atomics.notify(versions, span);
  }

  /** A frame; or NONE, after some of the time that it takes until one is free. */
  allocate() {
    const frame = frames.allocate(this.machine);
    if (frame !== frames.NONE) return frame;
    this.drain();
    this.sleep(() => frames.awaitFree(this.machine, WAIT_MS));
    return frames.NONE;
  }

  awaitSpan(span, version) {
    this.sleep(() => Atomics.wait(this.machine.versions, span, version, WAIT_MS));
  }

  /** A qsbr thread that sleeps without saying so would hold up every grace period. */
  sleep(wait) {
    this.counts.waits++;
    this.thread.offline();
    wait();
    this.thread.online();
  }

  defer(frame) {
    this.limbo.push(frame);
    if (this.limbo.length >= LIMBO_MAX) this.drain();
  }

  /** Gives deferred frames back: after a grace period nobody uses a translation from before. */
  drain() {
    if (this.limbo.length === 0) return;
    this.thread.synchronize();
    for (const frame of this.limbo) frames.release(this.machine, frame);
    this.limbo.length = 0;
  }
}
