/**
 * What came before a mismatch: the last records about its pages and its mm's list.
 *
 * Found by reading the recording again up to that line, so that nothing need be remembered as long
 * as all goes well.
 */

import { geometryNamed } from '../../core/pgtable/geometry.js';
import { makeRule } from '../designs/index.js';
import type { LinuxPage, LinuxRule } from '../designs/linux/rule.js';
import { OP, type TraceEvent, WHY } from '../trace/event.js';
import type { TraceHeader } from '../trace/form.js';
import { readTrace } from '../trace/reader.js';
import { hex, type Mismatch } from './judgements.js';
import { Oracle } from './oracle.js';

/** One record, and what the rule held after it. */
export interface HistoryEntry {
  readonly line: number;
  readonly what: string;
  /** The pages that the mm would allocate from, the next one first. */
  readonly list: readonly string[];
  /** Each page of the mismatch that is held, with its state in the rule's notation. */
  readonly pages: readonly string[];
}

const ENTRIES_MAX = 16;
/** A list can have hundreds of pages; its head is what matters. */
const LIST_MAX = 6;

/** Thrown to stop the reading at the mismatch. */
const REACHED = new Error('reached');

/** The last records that concern the mismatch, up to its own line. */
export async function historyOf(
  file: string,
  design: string,
  mismatch: Mismatch,
  signal?: AbortSignal,
): Promise<HistoryEntry[]> {
  let history: History | undefined;
  const onHeader = (header: TraceHeader): void => {
    history = new History(makeRule(design, geometryNamed(header.geometry)), header, mismatch);
  };
  const reading = readTrace(file, (event) => history?.event(event), { signal, onHeader });
  await reading.catch((error: unknown) => {
    if (error !== REACHED) throw error;
  });
  return history?.entries ?? [];
}

class History {
  readonly entries: HistoryEntry[] = [];
  private readonly rule: LinuxRule<LinuxPage>;
  private readonly oracle: Oracle;
  private readonly mismatch: Mismatch;
  private readonly pages: ReadonlySet<number>;

  constructor(rule: LinuxRule<LinuxPage>, header: TraceHeader, mismatch: Mismatch) {
    this.rule = rule;
    this.oracle = new Oracle(rule, header);
    this.mismatch = mismatch;
    this.pages = new Set(mismatch.pages.map((page) => Number.parseInt(page, 16)));
  }

  event(event: TraceEvent): void {
    if (event.line > this.mismatch.line) throw REACHED;
    this.oracle.event(event);
    const what = this.concerns(event) ? describe(event) : '';
    if (what === '') return;
    this.entries.push(this.entry(event.line, what));
    if (this.entries.length > ENTRIES_MAX) this.entries.shift();
  }

  private concerns({ mm, kind, page, op }: TraceEvent): boolean {
    if (this.pages.has(page)) return true;
    const isOfList = op === OP.miss || op === OP.alloc || op === OP.free || op === OP.freeNow;
    return isOfList && mm === this.mismatch.mm && kind === this.kind;
  }

  private entry(line: number, what: string): HistoryEntry {
    const list = this.rule.list(this.mismatch.mm, this.kind);
    const shown = list.slice(0, LIST_MAX).map(hex);
    if (list.length > LIST_MAX) shown.push(`and ${list.length - LIST_MAX} more`);
    const held = [...this.pages].map((page) => [hex(page), this.rule.describePage(page)] as const);
    const pages = held
      .filter(([, state]) => state !== '')
      .map(([page, state]) => `${page}=${state}`);
    return { line, what, list: shown, pages };
  }

  private get kind(): 0 | 1 {
    return this.mismatch.kind === 'pte' ? 0 : 1;
  }
}

/** A record in a few words; '' for one that says nothing more. */
function describe({ op, page, index, fresh, why, count }: TraceEvent): string {
  const place = `${hex(page)}.${index}`;
  switch (op) {
    case OP.miss:
      return `goes for a fresh page: ${why === WHY.empty ? 'none to look at' : 'first is pending'}`;
    case OP.alloc:
      return `takes ${place}${fresh ? ', of a fresh page' : ''}`;
    case OP.free:
      return `frees ${place} through RCU`;
    case OP.freeNow:
      return `frees ${place} at once`;
    case OP.ended:
      return `the wait of ${place} ends`;
    case OP.settled:
      return `the free of ${place} is complete`;
    case OP.counted:
    case OP.countedRest:
      return `the count of ${hex(page)} is ${count}`;
    case OP.pageReleased:
      return `gives back ${hex(page)}`;
    default:
      return '';
  }
}
