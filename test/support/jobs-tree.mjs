/**
 * What threads do in tree-threads.test.ts: everything that changes page tables, at random, on a few
 * spaces that all of them share.
 *
 * Each space has its shared words: ID, the mm's number, 0 while there is none; KEY, from which its
 * frames follow, another one for each space that there ever was; USERS, the threads that work on
 * it, and ENDING while one of them ends it. A walk needs no entry: it looks at ID and KEY inside its
 * section.
 *
 * A page that is `own` is mapped and unmapped by one thread only, so that thread knows when a walk
 * must find it. The pages of a span belong to all threads in turns, and what others do to the span
 * (collapse it, split it, take its table, give it one) must not show. Spans that are `wild` are for
 * ranges: everybody unmaps them.
 */
import { CALLBACKS } from '#src/core/frag/callback.js';
import { createMm, destroyMm } from '#src/core/frag/mm.js';
import { openHeap } from '#src/core/mem/heap.js';
import { release } from '#src/core/mem/lock.js';
import { SharedMemory } from '#src/core/mem/shared.js';
import { collapse, depositTable, split, withdrawTable } from '#src/core/pgtable/collapse.js';
import { lowWord } from '#src/core/pgtable/entry.js';
import { extentOf, forkStep } from '#src/core/pgtable/fork.js';
import { isLeaf, PROT } from '#src/core/pgtable/format.js';
import { formatNamed } from '#src/core/pgtable/formats/index.js';
import { lockLowest, tableLock } from '#src/core/pgtable/lock.js';
import { mapStep, protectStep, unmapStep } from '#src/core/pgtable/map.js';
import { endSpace, entryFor, makeSpace, spaceOf, spanOf } from '#src/core/pgtable/space.js';
import { TLB_SLOT_WORDS, walkCached } from '#src/core/pgtable/tlb.js';
import { checkTree, visitTree } from '#src/core/pgtable/tree.js';
import { frameOf, NOT_MAPPED, protOf, walk } from '#src/core/pgtable/walk.js';
import { attachThread, detachThread } from '#src/core/rcu/attach.js';
import { poll, pollAll } from '#src/core/rcu/callback.js';
import { rcuReadLock, rcuReadUnlock } from '#src/core/rcu/reader.js';
import { Sightings } from './seen.mjs';

/** Shared words: 1 once somebody has failed, the last key, what was seen, then the spaces'. */
const FAILED = 0;
const LAST_KEY = 1;
const SEEN = 2;
const SPACES = 3;
const ID = 0;
const KEY = 1;
const USERS = 2;
const SPACE_WORDS = 3;
const ENDING = 0x10000;

const LARGE = 1;

/** Pages of a span that are touched: few, so that tables come and go. */
const TOUCHED = 16;
const TLB_SLOTS = 32;
const FORK_PAGES_MAX = 2 ** 34;

/** A broken build can wait for ever; a whole one is never that slow. */
const PATIENCE = 20_000;

const pause = new Int32Array(new SharedArrayBuffer(4));

function makeRandom(seed) {
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** One time in so many that a thread dawdles it sleeps. */
const SLEEP_ONE_IN = 200;
const SPINS_MAX = 1000;

/**
 * The seam, but that a thread stops after a load now and then: what lies between two accesses is a
 * few nanoseconds, too short for others to get in often. Not while it is busy with thousands of them.
 */
class Dawdling extends SharedMemory {
  /** `every`: at most so many loads lie between. */
  constructor(words, random, every) {
    super(words, true);
    this.every = every;
    this.random = random;
    this.loads = 1;
    this.isBusy = false;
  }

  load(word) {
    const value = super.load(word);
    if (!this.isBusy && --this.loads === 0) this.dawdle();
    return value;
  }

  dawdle() {
    this.loads = 1 + this.random(this.every);
    if (this.random(SLEEP_ONE_IN) === 0) Atomics.wait(pause, 0, 0, 0.1);
    else for (let spin = this.random(SPINS_MAX); spin > 0; spin--) this.random(2);
  }
}

/** A broken rule, in the shape in which the core reports its own. */
function broken(rule, found) {
  return Object.assign(new Error(`${rule} does not hold: ${found}`), { rule });
}

class Gardener {
  constructor(thread, job, words) {
    this.thread = thread;
    this.job = job;
    this.words = words;
    this.random = makeRandom(job.seed);
    this.format = formatNamed(job.format);
    this.spanPages = spanOf(this.format, LARGE);
    /** Two spans that share all upper tables, two more elsewhere, and one that needs growth. */
    this.spans = [0, 1, ...job.farSpans];
    this.spaces = [];
    this.own = [];
    const tlbWords = new Int32Array(new SharedArrayBuffer(4 * TLB_SLOTS * TLB_SLOT_WORDS));
    this.tlb = { memory: new SharedMemory(tlbWords, true), slotsAt: 0, slots: TLB_SLOTS };
    const largeHigh = this.format.leafHigh(LARGE, 0, 0);
    this.inOneStore = largeHigh === this.format.levels[LARGE].tableHigh;
    this.seen = { walks: 0, found: 0, nothing: 0, maps: 0, unmaps: 0, protects: 0, forks: 0 };
    Object.assign(this.seen, { exits: 0, collapses: 0, splits: 0, outOfPages: 0, checks: 0 });
  }

  work() {
    const { rounds, must } = this.job;
    const sightings = new Sightings(this.words, SEEN, must);
    try {
      for (let done = 0; !sightings.isEnough(this.seen, done, rounds); done++) {
        for (let step = 0; step < 8; step++) this.turn();
        poll(this.thread, CALLBACKS, 64);
        if (Atomics.load(this.words, FAILED) !== 0) break;
      }
    } catch (error) {
      Atomics.store(this.words, FAILED, 1);
      throw error;
    }
    return this.seen;
  }

  word(slot, field) {
    return SPACES + slot * SPACE_WORDS + field;
  }

  /** One thing, on one space. */
  turn() {
    const slot = this.random(this.job.spaces);
    // Forks and ends take a thousand times as long as the others.
    const what = this.random(10_000);
    if (what < 4500) return this.walkAnywhere(slot);
    const space = this.enter(slot);
    if (space === null) return;
    if (what < 5800) this.map(slot, space);
    else if (what < 7300) this.look(slot, space);
    else if (what < 8200) this.unmap(slot, space);
    else if (what < 8700) this.unmapWild(space);
    else if (what < 9000) this.protect(space);
    else if (what < 9450) this.collapse(slot, space);
    else if (what < 9990) this.split(space, this.anyPage());
    else if (what < 9994) this.busy(() => this.fork(slot, space));
    else return this.busy(() => this.exit(slot, space));
    this.leave(slot);
  }

  busy(action) {
    const { mem } = this.thread;
    mem.isBusy = true;
    action();
    mem.isBusy = false;
  }

  enter(slot) {
    const users = this.word(slot, USERS);
    const before = Atomics.load(this.words, users);
    if (before >= ENDING) return null;
    if (Atomics.compareExchange(this.words, users, before, before + 1) !== before) return null;
    const id = Atomics.load(this.words, this.word(slot, ID));
    if (id === 0) {
      // Somebody began to end it, and waits for us.
      this.leave(slot);
      return null;
    }
    if (this.spaces[slot]?.mm !== id) this.spaces[slot] = spaceOf(this.thread, this.format, id);
    const key = Atomics.load(this.words, this.word(slot, KEY));
    if (this.own[slot]?.key !== key) this.own[slot] = { key, pages: new Set() };
    return this.spaces[slot];
  }

  leave(slot) {
    Atomics.sub(this.words, this.word(slot, USERS), 1);
  }

  // Pages, frames and rights.

  ownPage() {
    const span = this.spans[this.random(this.job.spans)];
    const turns = TOUCHED / this.job.threads;
    const index = this.random(turns) * this.job.threads + this.job.index;
    return span * this.spanPages + (index % this.spanPages);
  }

  wildPage() {
    const span = this.spans[this.random(this.job.spans)] + 4;
    return span * this.spanPages + this.random(Math.min(TOUCHED, this.spanPages));
  }

  anyPage() {
    return this.random(4) === 0 ? this.wildPage() : this.ownPage();
  }

  spanBegin(page) {
    return Math.floor(page / this.spanPages) * this.spanPages;
  }

  /** Physical address of a page's frame; of the first of a span, that of its large frame. */
  address(key, page) {
    const span = Math.floor(page / this.spanPages);
    const hash = Math.imul((Math.imul(key + 1, 0x9e3779b1) ^ span) + (span >>> 15), 0x85ebca6b);
    const { shift } = this.format.levels[LARGE];
    const large = ((hash ^ (hash >>> 15)) << shift) >>> 0;
    return large + (page % this.spanPages) * 2 ** this.format.pageShift;
  }

  rights(page) {
    const isOdd = Math.floor(page / this.spanPages) % 2 === 1;
    return PROT.read | (isOdd ? PROT.exec : 0);
  }

  check(key, page, found) {
    const rights = protOf(found) & (PROT.read | PROT.exec);
    const isRight =
      frameOf(found) === this.address(key, page) / 2 ** this.format.pageShift &&
      rights === this.rights(page);
    if (isRight) return;
    const what = `frame ${frameOf(found)}, rights ${protOf(found)}`;
    throw broken('T3', `a walk found ${what} at page ${page}, where it was never mapped`);
  }

  // Walks.

  walkAnywhere(slot) {
    const { thread, words } = this;
    const page = this.anyPage();
    rcuReadLock(thread);
    const id = Atomics.load(words, this.word(slot, ID));
    const key = Atomics.load(words, this.word(slot, KEY));
    if (id !== 0 && id === Atomics.load(words, this.word(slot, ID))) {
      const space = spaceOf(thread, this.format, id);
      this.walkTo(space, key, page);
      if (this.random(16) === 0) this.walkTo(space, key, page);
    }
    rcuReadUnlock(thread);
  }

  walkTo(space, key, page) {
    const found = this.random(2) === 0 ? walk(space, page) : walkCached(space, this.tlb, page);
    this.seen.walks++;
    if (found === NOT_MAPPED) this.seen.nothing++;
    else {
      this.seen.found++;
      this.check(key, page, found);
    }
    return found !== NOT_MAPPED;
  }

  /** To a page of this thread's own, which is mapped. Context: entered. */
  look(slot, space) {
    const { key, pages } = this.own[slot];
    for (const page of pages) {
      if (this.random(pages.size) !== 0) continue;
      rcuReadLock(this.thread);
      let isThere = this.walkTo(space, key, page);
      if (!isThere && !this.inOneStore) isThere = this.isMapped(space, page);
      rcuReadUnlock(this.thread);
      if (!isThere) throw broken('T3', `a walk found nothing at page ${page}, which is mapped`);
      return;
    }
  }

  isMapped(space, page) {
    const { heap, mem } = this.thread;
    const locked = lockLowest(space, page);
    if (locked === null) return false;
    const low = mem.load(lowWord(entryFor(this.format, locked.number, locked.table, page)));
    release(this.thread, tableLock(heap, locked.table));
    return isLeaf(this.format.levels[locked.number], low);
  }

  // Changes. Context: entered.

  starve() {
    this.seen.outOfPages++;
    if (pollAll(this.thread, CALLBACKS, 64) === 0) Atomics.wait(pause, 0, 0, 0.2);
  }

  map(slot, space) {
    const { key, pages } = this.own[slot];
    const isWild = this.random(4) === 0;
    const page = isWild ? this.wildPage() : this.ownPage();
    const prot = this.rights(page) | PROT.young;
    for (let tries = 0; tries < 100; tries++) {
      const step = mapStep(space, page, 1, this.address(key, page), prot);
      if (step.kind === 'no-page') return this.starve();
      if (step.kind === 'done' && step.pages === 0) continue;
      this.seen.maps++;
      if (!isWild) pages.add(page);
      return;
    }
  }

  unmap(slot, space) {
    const { pages } = this.own[slot];
    const page = this.ownPage();
    pages.delete(page);
    this.unmapPages(space, page, 1);
    this.seen.unmaps++;
  }

  unmapWild(space) {
    const page = this.wildPage();
    const begin = this.random(2) === 0 ? this.spanBegin(page) : page;
    this.unmapPages(space, begin, this.random(2) === 0 ? this.spanPages : 1);
    this.seen.unmaps++;
  }

  unmapPages(space, begin, pages) {
    for (let page = begin; page < begin + pages; ) {
      const step = unmapStep(space, page, begin + pages - page);
      if (step.kind === 'large') this.split(space, page);
      else if (step.kind === 'done') page += step.pages;
      else throw broken('P8', `unmapping ended with ${step.kind}`);
    }
  }

  protect(space) {
    const page = this.anyPage();
    const write = this.random(2) === 0 ? PROT.write : 0;
    const isSpan = this.random(2) === 0;
    const [begin, pages] = isSpan ? [this.spanBegin(page), this.spanPages] : [page, 1];
    const step = protectStep(space, begin, pages, this.rights(page) | write);
    if (step.kind === 'large') this.split(space, page);
    this.seen.protects++;
  }

  collapse(slot, space) {
    const page = this.anyPage();
    const address = this.address(this.own[slot].key, this.spanBegin(page));
    const prot = this.rights(page) | PROT.young | PROT.write | PROT.dirty;
    if (collapse(space, page, address, prot)) this.seen.collapses++;
  }

  split(space, page) {
    const deposited = depositTable(space);
    if (deposited === null) return this.starve();
    if (split(space, page, deposited)) this.seen.splits++;
    else withdrawTable(space, deposited);
  }

  /** A child of its own: copied while others go on, checked, ended. */
  fork(slot, space) {
    const child = this.make();
    if (child === null) return;
    const { key } = this.own[slot];
    const pages = Math.min(extentOf(space), FORK_PAGES_MAX);
    for (let page = 0; page < pages; ) {
      const step = forkStep(space, child, page, pages - page);
      if (step.kind === 'done') page += step.pages;
      else {
        // The spaces may have all that there is: a part of a copy is right, too.
        this.starve();
        break;
      }
    }
    this.inspect(child);
    visitTree(child, {
      onMapping: ({ vpn, address, prot }) => {
        const wanted = this.address(key, vpn);
        if (address !== wanted || (prot & PROT.write) !== 0) {
          throw broken('T3', `a child has frame ${address}, rights ${prot} at page ${vpn}`);
        }
      },
    });
    this.end(child);
    this.seen.forks++;
  }

  inspect(space) {
    this.seen.checks++;
    const [first] = checkTree(space);
    if (first !== undefined) throw broken(first.rule, first.detail);
  }

  /** A space with an empty tree; null where records or pages are short. */
  make() {
    let mm;
    try {
      mm = createMm(this.thread);
    } catch (error) {
      if (error.name !== 'LimitError') throw error;
      this.starve();
      return null;
    }
    const space = spaceOf(this.thread, this.format, mm);
    if (makeSpace(space)) return space;
    destroyMm(this.thread, mm);
    this.starve();
    return null;
  }

  end(space) {
    this.unmapPages(space, 0, extentOf(space));
    if (!endSpace(space)) throw broken('T1', 'something is left of an unmapped tree');
    destroyMm(this.thread, space.mm);
  }

  /** Ends a space, and puts another in its place, unless another thread is faster. */
  exit(slot, space) {
    const { words } = this;
    const users = this.word(slot, USERS);
    if (Atomics.or(words, users, ENDING) >= ENDING) return this.leave(slot);
    Atomics.store(words, this.word(slot, ID), 0);
    for (let looks = 0; Atomics.load(words, users) !== ENDING + 1; looks++) {
      if (Atomics.load(words, FAILED) !== 0 || looks > PATIENCE) return;
      Atomics.wait(pause, 0, 0, 0.05);
    }
    this.inspect(space);
    this.end(space);
    let next = this.make();
    while (next === null) next = this.make();
    Atomics.store(words, this.word(slot, KEY), Atomics.add(words, LAST_KEY, 1) + 1);
    Atomics.store(words, this.word(slot, ID), next.mm);
    this.seen.exits++;
    Atomics.store(words, users, 0);
  }
}

export function garden(thread, job, words) {
  const random = makeRandom(job.seed + 7919);
  const slow = attachThread(openHeap(new Dawdling(thread.mem.words, random, job.dawdle)), 'epoch');
  const seen = new Gardener(slow, job, words).work();
  detachThread(slow);
  return seen;
}
