/**
 * The host's thread: takes memory from the guest while it runs, gathers it in large frames, and
 * takes snapshots. Wherever a frame changes hands, or is read by who did not stop its writers, a
 * grace period comes first.
 */
import { frameOf, NOT_MAPPED, PROT } from 'ptfrag/pgtable';
import * as frames from './frames.mjs';
import {
  allowed,
  BASE,
  BUSY,
  copyPage,
  ENDED,
  PAGE,
  PARKED,
  pageIndex,
  SPAN,
  SPAN_PAGES,
  spanIndex,
  VERSION,
} from './machine.mjs';

/** A span is worth a large frame when so many of its pages are in RAM. */
const WORTH_PAGES = 128;

export class Host {
  constructor(thread, space, machine) {
    this.thread = thread;
    this.space = space;
    this.machine = machine;
    this.counts = { pageOuts: 0, pagesOut: 0, collapses: 0, snapshots: 0, inconsistent: 0 };
  }

  /**
   * Writes pages of one span to the store, and takes their frames. The grace period is for both: no
   * CPU writes to a frame any more when it is copied, and none reads it when it is somebody else's.
   */
  async pageOut(page, count) {
    const { machine, space } = this;
    const version = await this.lock(page);
    const mapped = this.mappings(space, page, count);
    space.unmapRange(page, count * PAGE);
    await this.thread.synchronizeAsync();
    for (const [at, frame] of mapped) {
      copyPage(machine.store, pageIndex(at), machine.ram, frame);
      frames.release(machine, frame);
    }
    this.unlock(page, version + VERSION);
    this.counts.pageOuts++;
    this.counts.pagesOut += mapped.size;
  }

  /** Makes a span one large frame, if there is one, and enough of the span is in RAM. */
  async collapse(page) {
    const version = await this.lock(page);
    const mapped = this.mappings(this.space, page, SPAN_PAGES);
    let old = [];
    if (isWhole(mapped, page)) this.join(page, mapped.get(page));
    else if (mapped.size >= WORTH_PAGES) old = await this.gather(page, mapped);
    this.unlock(page, version);
    await this.giveBack(old);
  }

  /**
   * Copies a span to a large frame; returns the frames that it leaves. The guest may read it all
   * the while, but not write: first the right is taken from it, then a grace period waited for,
   * since a CPU may be writing by a translation from before. Now nothing changes any more.
   */
  async gather(page, mapped) {
    const { machine, space } = this;
    const first = frames.allocateLarge(machine);
    if (first === frames.NONE) return [];
    space.protect(page, SPAN, PROT.read);
    await this.thread.synchronizeAsync();
    for (let part = 0; part < SPAN_PAGES; part++) {
      const at = page + part * PAGE;
      const frame = mapped.get(at);
      if (frame === undefined) copyPage(machine.ram, first + part, machine.store, pageIndex(at));
      else copyPage(machine.ram, first + part, machine.ram, frame);
    }
    this.join(page, first);
    return mapped.values();
  }

  join(page, first) {
    const { machine, space } = this;
    if (space.collapse(page, first * PAGE, allowed(machine, page))) this.counts.collapses++;
  }

  /**
   * A copy of the guest's memory at one instant. The guest stands still only while it is forked;
   * from then on it copies what it writes. What was out of RAM stays in the store as it is, because
   * this thread alone writes pages there, and does not before the snapshot ends.
   */
  async snapshot(verify) {
    const { machine } = this;
    const stored = await this.pause();
    const copy = this.space.fork();
    const mapped = this.mappings(copy, BASE, machine.spans * SPAN_PAGES);
    for (const frame of mapped.values()) frames.share(machine, frame);
    this.resume();
    const isConsistent = await verify(mapped, stored);
    if (!isConsistent) this.counts.inconsistent++;
    copy.exit();
    await this.giveBack(mapped.values());
    this.counts.snapshots++;
  }

  /** Frames that were unmapped: they are others' after a grace period. */
  async giveBack(list) {
    await this.thread.synchronizeAsync();
    for (const frame of list) frames.release(this.machine, frame);
  }

  /** Frames by their pages. Context: nobody changes what these pages map. */
  mappings(space, page, count) {
    const mapped = new Map();
    this.thread.readLock();
    for (let at = page; at < page + count * PAGE; at += PAGE) {
      const found = space.walk(at);
      if (found !== NOT_MAPPED) mapped.set(at, frameOf(found));
    }
    this.thread.readUnlock();
    return mapped;
  }

  /** Locks the span of a page against all who would change what it maps; returns its version. */
  async lock(page) {
    const { versions } = this.machine;
    const span = spanIndex(page);
    for (;;) {
      const version = Atomics.load(versions, span);
      if ((version & BUSY) !== 0) await Atomics.waitAsync(versions, span, version).value;
      else if (Atomics.compareExchange(versions, span, version, version | BUSY) === version) {
        return version;
      }
    }
  }

  unlock(page, version) {
    const { versions } = this.machine;
    const span = spanIndex(page);
    Atomics.store(versions, span, version);
    Atomics.notify(versions, span);
  }

  /** Stops all CPUs between two sections; returns how much they have stored up to here. */
  async pause() {
    const { pause, parked } = this.machine;
    const current = Atomics.add(pause, 0, 1) + 1;
    let [stores, atomics] = [0, 0];
    for (let cpu = 0; cpu < parked.length; cpu += PARKED.WORDS) {
      for (;;) {
        const why = Atomics.load(parked, cpu + PARKED.PAUSE);
        if (why === current || why === ENDED) break;
        await Atomics.waitAsync(parked, cpu + PARKED.PAUSE, why).value;
      }
      stores += parked[cpu + PARKED.STORES];
      atomics += parked[cpu + PARKED.ATOMICS];
    }
    return { stores, atomics };
  }

  resume() {
    const { pause } = this.machine;
    Atomics.add(pause, 0, 1);
    Atomics.notify(pause, 0);
  }
}

/** Whether a span is in one large frame already, in one piece or, after a split, in pages. */
function isWhole(mapped, page) {
  const first = mapped.get(page);
  if (mapped.size !== SPAN_PAGES || first % SPAN_PAGES !== 0) return false;
  return [...mapped].every(([at, frame]) => frame === first + (at - page) / PAGE);
}
