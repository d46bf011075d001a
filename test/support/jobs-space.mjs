/**
 * What threads do in api/pgtable/threads.test.ts: all of them map, unmap, protect, collapse, split, fork
 * and walk in one space. A page is only ever mapped to frames that are as far into a large page as it
 * is, so that a walk can tell a frame that was never mapped there.
 */
import { LimitError, OutOfPagesError, UsageError } from 'ptfrag';
import { frameOf, NOT_MAPPED, openSpace, PROT } from 'ptfrag/pgtable';
import { AttachedThread } from '#src/api/thread.js';
import { Sightings } from './seen.mjs';

const RW = PROT.read | PROT.write;

/** A small generator of numbers, the same for a seed (xorshift). */
function makeRandom(seed) {
  let state = seed | 1;
  return (max) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % max;
  };
}

/** Does it; what may happen while others work on the same pages is counted. */
function attempt(seen, name, work) {
  try {
    const result = work();
    if (result !== false && result !== 0) seen[name]++;
  } catch (error) {
    // Records of ended children come back a grace period later, and threads are off their CPU.
    const isShort = error instanceof OutOfPagesError || error instanceof LimitError;
    if (isShort) seen.outOfPages++;
    else if (error instanceof UsageError && error.code === 'already-mapped') seen.refused++;
    else throw error;
  }
}

function walkSome(thread, space, tlb, { span, zones, random, seen }) {
  const { pageBytes } = space;
  thread.readLock();
  for (let i = 0; i < 64; i++) {
    const page = random(zones * span);
    const va = page * pageBytes;
    const found = i % 2 === 0 ? space.walk(va) : space.walkCached(tlb, va);
    if (found === NOT_MAPPED) seen.holes++;
    else if (frameOf(found) % span === page % span) seen.found++;
    else seen.wrong++;
  }
  thread.readUnlock();
}

/** A copy of what others work on is whole, and goes away whole. */
function forkAndLook(space) {
  const child = space.fork();
  const [wrong] = child.check();
  if (wrong !== undefined) throw new Error(`a child is not whole: ${wrong.detail}`);
  child.exit();
}

function change(space, { span, zones, forks, random, seen }) {
  const { pageBytes } = space;
  const page = random(zones * span);
  const count = Math.min(1 + random(random(4) === 0 ? 2 * span : 4), zones * span - page);
  const [va, bytes] = [page * pageBytes, count * pageBytes];
  const frame = random(4) * span + (page % span);
  const first = page - (page % span);
  // Who waits a little for pages gets them, mostly: that they run out must be seen, too.
  const waitMs = random(4) === 0 ? 1 : 0;
  const works = {
    mapped: () => space.mapRange(va, bytes, frame * pageBytes, RW, { waitMs }),
    faults: () => space.mapPage(va, frame * pageBytes, RW, { waitMs }),
    unmapped: () => space.unmapRange(va, bytes),
    protected: () => space.protect(va, bytes, PROT.read),
    collapsed: () => space.collapse(first * pageBytes, random(4) * span * pageBytes, RW),
    forked: () => forkAndLook(space),
  };
  const names = Object.keys(works).filter((name) => forks || name !== 'forked');
  const name = names[random(names.length)];
  attempt(seen, name, works[name]);
}

export function churn(core, { mm, span, zones, forks, seed, rounds, must }, words) {
  const thread = new AttachedThread(core);
  const space = openSpace(thread, mm);
  const tlb = space.createTlb(64);
  const seen = { mapped: 0, faults: 0, unmapped: 0, protected: 0, collapsed: 0, forked: 0 };
  Object.assign(seen, { refused: 0, outOfPages: 0, holes: 0, found: 0, wrong: 0 });
  const facts = { span, zones, forks, random: makeRandom(seed), seen };
  const sightings = new Sightings(words, 0, must);
  for (let done = 0; !sightings.isEnough(seen, done, rounds); done++) {
    change(space, facts);
    walkSome(thread, space, tlb, facts);
    thread.quiescent();
  }
  thread.offline();
  return seen;
}
