/** Whether the guest's memory is right: that of a snapshot, and what it leaves. */
import { setTimeout } from 'node:timers/promises';
import { countsOf, wrongCounts } from './guest.mjs';
import { CODE_SPANS, PAGE_WORDS, pageAt, SPAN_PAGES } from './machine.mjs';

/** Pages that are read at a time; then the guest has a millisecond to write to some. */
const SLICE_PAGES = 128;

/** Whether the nodes of a snapshot have counted exactly what the CPUs had stored. */
export async function isConsistent({ ram, store, spans }, mapped, stored) {
  let [shared, own] = [0, 0];
  for (let index = CODE_SPANS * SPAN_PAGES; index < spans * SPAN_PAGES; index++) {
    const frame = mapped.get(pageAt(index));
    const [words, at] = frame === undefined ? [store, index] : [ram, frame];
    const counts = countsOf(words, at * PAGE_WORDS);
    shared += counts.shared;
    own += counts.own;
    if (index % SLICE_PAGES === 0) await setTimeout(1);
  }
  return shared === stored.atomics && own === stored.stores;
}

/** Wrong counts of all nodes, after the guest's end and with all pages in the store. */
export function countWrong({ store, spans }, rounds) {
  let wrong = 0;
  for (let index = CODE_SPANS * SPAN_PAGES; index < spans * SPAN_PAGES; index++) {
    wrong += wrongCounts(store, index * PAGE_WORDS, rounds);
  }
  return wrong;
}
