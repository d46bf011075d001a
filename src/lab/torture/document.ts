/** What a torture run answers, and what makes it say so. */
import type { Violation } from '../../core/frag/check.js';
import type { TortureAsked } from './options.js';

export interface TortureDocument extends TortureAsked {
  readonly command: 'torture';
  /** `inconclusive`: nothing was found, but too little was seen to say that it holds. */
  readonly verdict: 'holds' | 'violated' | 'inconclusive';
  readonly ok: boolean;
  readonly reads: number;
  readonly frees: number;
  /**
   * Reads of a table that was linked; that was unlinked, with the grace period not over; that was
   * unlinked longer ago, which must not be.
   */
  readonly ages: readonly [linked: number, current: number, old: number];
  readonly operations: number;
  readonly forks: number;
  readonly attaches: number;
  readonly gracePeriods: number;
  /** Threads that were ended; those of them that were in a lock, a section or half of something. */
  readonly kills: number;
  readonly killsInside: number;
  /** Attached threads that those left, each of which was recovered. */
  readonly recovered: number;
  /** Times that somebody found no page. */
  readonly outOfMemory: number;
  /** Pages that did not come back; null: after a violation nothing is given back. */
  readonly leaked: number | null;
  readonly violations: readonly Violation[];
  /** What the run has not seen, and should have. */
  readonly unseen: readonly string[];
}

/** What is known at the end. */
export type TortureFindings = Omit<
  TortureDocument,
  keyof TortureAsked | 'command' | 'verdict' | 'ok' | 'unseen'
>;

/** Kills of which some must have come in the middle of something. */
const KILLS_LEAST = 20;

export function documentOf(asked: TortureAsked, found: TortureFindings): TortureDocument {
  const unseen = unseenOf(asked, found);
  const holds = unseen.length === 0 ? 'holds' : 'inconclusive';
  const verdict = found.violations.length > 0 ? 'violated' : holds;
  return { command: 'torture', verdict, ok: verdict === 'holds', ...asked, ...found, unseen };
}

function unseenOf({ readers, kill, oom }: TortureAsked, found: TortureFindings): string[] {
  const { ages, frees, kills, killsInside, outOfMemory } = found;
  const must: readonly (readonly [isSeen: boolean, what: string])[] = [
    [frees > 0, 'a table that was freed'],
    [readers === 0 || ages[0] > 0, 'a reader in a table'],
    [readers === 0 || ages[1] > 0, 'a reader in a table that was freed meanwhile'],
    [kill === 0 || kills > 0, 'a thread that was killed'],
    [kills < KILLS_LEAST || killsInside > 0, 'a thread that was killed in the middle of something'],
    [oom === 0 || outOfMemory > 0, 'somebody who found no page'],
  ];
  return must.filter(([isSeen]) => !isSeen).map(([, what]) => what);
}
