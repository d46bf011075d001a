/** The whole-heap check of one page: its states, counts, gate and free memory. */
import type { FragIndex, GracePeriod, KindId, Pfn, Word } from '../base/units.js';
import { at } from '../base/units.js';
import { type Heap, type HeapKind, mmIndexOf, pagesLimit, ptdescOf } from '../mem/heap.js';
import { PTDESC, RCU_HEAD } from '../mem/layout.js';
import { isMmRecord } from '../mem/places.js';
import type { OutBlock, Violation } from '../mem/supply-check.js';
import { graceAhead, graceEnded, isBefore } from '../rcu/grace-period.js';
import { sayWritten, writtenInFragment, writtenInPages } from './poison.js';
import { formatPage, getState, kindIdOf, nodeAt, tableAt } from './ptdesc.js';
import { A, C, F, N } from './state.js';

/** What the other parts of the check need to know of a page. */
export interface PageFacts {
  readonly pfn: Pfn;
  readonly kindId: KindId;
  readonly states: string;
  /** Index of the record that OWNER names; null if the page is lost. */
  readonly owner: number | null;
  readonly allocated: number;
  readonly waiting: boolean;
  readonly head: Word;
  readonly headState: number;
  /** Address of the list node; null if the page has none. */
  readonly node: Word | null;
}

/** Checks one page that is out of the supply. */
export function checkPage(heap: Heap, block: OutBlock, found: Violation[]): PageFacts {
  const { mem } = heap;
  const ptdesc = ptdescOf(heap, block.pfn);
  const owner = mem.peek(at(ptdesc, PTDESC.OWNER));
  const kindId = kindIdOf(mem, ptdesc);
  const kind = heap.kinds[kindId];
  const head = at(ptdesc, PTDESC.RCU);
  const headState = mem.peek(at(head, RCU_HEAD.WAITS_FOR));
  if (owner === 0 || kind === undefined || kind.order !== block.order) {
    found.push({ rule: 'P6', detail: `page ${block.pfn} is out of the supply but nobody has it` });
    const states = 'lost';
    return {
      ...block,
      kindId,
      states,
      owner: null,
      allocated: 0,
      waiting: false,
      head,
      headState,
      node: null,
    };
  }
  const says = `page ${block.pfn} (${formatPage(mem, ptdesc, kind)})`;
  const counts = countStates(heap, ptdesc, kind);
  const holder = mem.peek(at(ptdesc, PTDESC.HOLDER));
  const fail = (rule: string, what: string): void => {
    found.push({ rule, detail: `${says}: ${what}` });
  };
  // No free is under way, between its change of a state and its last store: so what is said of the
  // page, by ALLOCATED, OWNER and HOLDER, is what its states say.
  if (mem.peek(at(ptdesc, PTDESC.ALLOCATED)) !== counts[A])
    fail('P6', 'ALLOCATED is not the number of A');
  if (owner > 0 !== counts[A] > 0) fail('P5', `OWNER is ${owner}`);
  if (!isMmRecord(heap, Math.abs(owner))) fail('P12', `OWNER is ${owner}, which is no mm's record`);
  // Refused: its callback could not have the supply's lock, and runs once more.
  const unreturned = counts[F] === kind.perPage;
  if (unreturned && !isRefused(heap, headState)) fail('P3', 'all free, but not returned');
  if (counts[N] > 0 && counts[C] === 0)
    fail('P10', 'something waits for the next grace period only');
  if (headState > 0 && isBefore(graceAhead(heap), headState))
    fail('P10', 'waits for no grace period');
  if ((holder !== 0) !== (counts[A] > 0 && counts[F] > 0)) fail('P4', `HOLDER is ${holder}`);
  const node = holder === 0 ? null : nodeAt(heap, block.pfn, kind, (holder - 1) as FragIndex);
  if (holder !== 0 && getState(mem, ptdesc, (holder - 1) as FragIndex) !== F) {
    fail('P4', `the node is in fragment ${holder - 1}, which is not free`);
  }
  if (heap.debug) checkFreeMemory(heap, block.pfn, kind, found);
  return {
    pfn: block.pfn,
    kindId,
    states: formatPage(mem, ptdesc, kind),
    owner: mmIndexOf(heap, Math.abs(owner) as Word),
    allocated: counts[A],
    waiting: counts[C] > 0 || (unreturned && isRefused(heap, headState)),
    head,
    headState,
    node,
  };
}

/** Whether a head has a callback that ran when it might, and is to run once more. */
function isRefused(heap: Heap, waitsFor: number): boolean {
  return waitsFor > 0 && graceEnded(heap, waitsFor as GracePeriod);
}

function countStates(heap: Heap, ptdesc: Word, kind: HeapKind): [number, number, number, number] {
  const counts: [number, number, number, number] = [0, 0, 0, 0];
  for (let index = 0; index < kind.perPage; index++) {
    const state = getState(heap.mem, ptdesc, index as FragIndex);
    counts[state]++;
  }
  return counts;
}

/** Debug heaps: nobody writes into free memory of a page of tables (U1, and we don't: P2). */
function checkFreeMemory(heap: Heap, pfn: Pfn, kind: HeapKind, found: Violation[]): void {
  for (let index = 0; index < kind.perPage; index++) {
    if (getState(heap.mem, ptdescOf(heap, pfn), index as FragIndex) !== F) continue;
    const written = writtenInFragment(heap, tableAt(heap, pfn, kind, index as FragIndex), kind);
    if (written !== null) found.push({ rule: 'U1', detail: sayWritten(written) });
  }
}

/** Debug heaps: nor into pages in the supply. `out`: the blocks that are not there. */
export function checkFreePages(heap: Heap, out: readonly OutBlock[], found: Violation[]): void {
  if (!heap.debug) return;
  const taken = new Set(out.flatMap(({ pfn, order }) => range(pfn, pfn + 2 ** order)));
  for (const pfn of range(0, pagesLimit(heap))) {
    if (taken.has(pfn)) continue;
    const written = writtenInPages(heap, pfn as Pfn, 0);
    if (written !== null) found.push({ rule: 'U1', detail: sayWritten(written) });
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
