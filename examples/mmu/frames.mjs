/**
 * The frames of RAM: who has which. A frame has a count of the pages that map it, because a fork
 * maps it a second time. At 0 it is free, so whoever releases one has waited for a grace period
 * since it was unmapped.
 */
import { SPAN_PAGES } from './machine.mjs';

export const NONE = -1;

const FREE = 0;
const LAST = 1;

/** Every small frame is free; large ones are, by their counts of 0. */
export function initFrames({ uses, large, free }) {
  free[FREE] = uses.length - large * SPAN_PAGES;
  free[LAST] = large * SPAN_PAGES;
}

/** A small frame, or NONE. */
export function allocate({ uses, large, free }) {
  for (let count = Atomics.load(free, FREE); ; ) {
    if (count === 0) return NONE;
    const seen = Atomics.compareExchange(free, FREE, count, count - 1);
    if (seen === count) break;
    count = seen;
  }
  // One is ours. Begin with the one released last: if that was too early, it shows.
  const first = large * SPAN_PAGES;
  for (let frame = Atomics.load(free, LAST); ; frame++) {
    if (frame === uses.length) frame = first;
    if (Atomics.compareExchange(uses, frame, 0, 1) === 0) return frame;
  }
}

/** The first of SPAN_PAGES frames that make a large one, or NONE. */
export function allocateLarge({ uses, parts }) {
  for (let index = 0; index < parts.length; index++) {
    if (Atomics.compareExchange(parts, index, 0, SPAN_PAGES) !== 0) continue;
    const first = index * SPAN_PAGES;
    for (let part = 0; part < SPAN_PAGES; part++) Atomics.store(uses, first + part, 1);
    return first;
  }
  return NONE;
}

export function share({ uses }, frame) {
  Atomics.add(uses, frame, 1);
}

export function isShared({ uses }, frame) {
  return Atomics.load(uses, frame) > 1;
}

/** One page maps it no longer. A part of a large frame is free with the last part. */
export function release({ uses, large, parts, free }, frame) {
  const before = Atomics.sub(uses, frame, 1);
  if (before < 1) throw new Error(`frame ${frame} was released twice`);
  if (before > 1) return;
  if (frame < large * SPAN_PAGES) {
    Atomics.sub(parts, Math.floor(frame / SPAN_PAGES), 1);
    return;
  }
  Atomics.store(free, LAST, frame);
  Atomics.add(free, FREE, 1);
  Atomics.notify(free, FREE);
}

/** Sleeps while there is none, but no longer than `ms`. */
export function awaitFree({ free }, ms) {
  Atomics.wait(free, FREE, 0, ms);
}

/** Frames that nobody has, of all. */
export function countFree({ uses }) {
  return { free: uses.filter((count) => count === 0).length, of: uses.length };
}
