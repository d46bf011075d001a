/** What an oracle judged, how much of it matched, and where rule and kernel part first. */
import type { Miss, Place } from '../designs/linux/rule.js';
import { NO_END, type TraceEvent } from '../trace/event.js';

export interface Judged {
  checked: number;
  matched: number;
}

/** Where rule and kernel part. Pages as the recording names them, in hexadecimal. */
export interface Mismatch {
  readonly line: number;
  readonly about: 'allocation' | 'list' | 'release';
  /** Its number among the mms that the recording creates, from 0. */
  readonly mm: number;
  readonly kind: 'pte' | 'pmd';
  /** The pages that either of the two speaks of. */
  readonly pages: readonly string[];
  readonly kernel: string;
  readonly rule: string;
}

/** Where in the recording something is judged. */
export type Position = Pick<TraceEvent, 'line' | 'mm' | 'kind'>;

const KIND_NAMES = ['pte', 'pmd'] as const;

export class Judgements {
  readonly allocations: readonly [pte: Judged, pmd: Judged] = [judged(), judged()];
  readonly lists: Judged = judged();
  readonly releases: Judged = judged();
  firstMismatch: Mismatch | null = null;
  mismatches = 0;

  /** Counts one answer. What a wrong one was is said by `part`. */
  judge(about: Judged, right: boolean): void {
    about.checked++;
    if (right) about.matched++;
  }

  /** Rule and kernel part. `kernel`, `rule`: what each of them does. */
  part(
    { line, mm, kind }: Position,
    about: Mismatch['about'],
    pages: readonly number[],
    kernel: string,
    rule: string,
  ): void {
    this.mismatches++;
    // What the kernel does not do is found later than where it should have.
    if (this.firstMismatch !== null && this.firstMismatch.line <= line) return;
    const names = [...new Set(pages)].map(hex);
    this.firstMismatch = { line, about, mm, kind: KIND_NAMES[kind], pages: names, kernel, rule };
  }
}

function judged(): Judged {
  return { checked: 0, matched: 0 };
}

export function hex(page: number): string {
  return page.toString(16);
}

/** Where an allocation is put, in words. */
export function foundText(found: Place | Miss): string {
  if (found === 'empty') return 'a fresh page: none to look at';
  if (found === 'pending') return 'a fresh page: the first of the list is pending';
  return `${hex(found.page)}.${found.index}, of a page that the mm has`;
}

/** The ends of a list, in words. */
export function endsText(first: number, last: number): string {
  return first === NO_END.empty ? 'an empty list' : `a list from ${hex(first)} to ${hex(last)}`;
}
