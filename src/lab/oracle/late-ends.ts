/**
 * Ends that are told after they happened (s390 frag: outside the lock), so that an answer of the
 * rule can be taken back. Each that is taken back counts as moved.
 */

/** Enough for a key out of a page and a fragment. */
const FRAGMENTS_MAX = 256;

export class LateEnds {
  /** Records of ends that stand elsewhere than what they tell happened. */
  moved = 0;
  /** The tables that wait, by place. */
  private readonly waiting = new Map<number, number>();
  /** Tables that have ended before their record. */
  private readonly early = new Set<number>();
  /** The line of each page's last end. */
  private readonly lastLines = new Map<number, number>();

  freed(table: number, page: number, index: number): void {
    this.waiting.set(page * FRAGMENTS_MAX + index, table);
  }

  /** The table that waits at a place ends now: its record is late. Null: nothing waits there. */
  endEarly(page: number, index: number): number | null {
    const key = page * FRAGMENTS_MAX + index;
    const table = this.waiting.get(key);
    if (table === undefined) return null;
    this.waiting.delete(key);
    this.early.add(table);
    this.moved++;
    return table;
  }

  /** The record of an end. False: the table has ended before. */
  recorded(table: number, page: number, index: number, line: number): boolean {
    if (this.early.delete(table)) return false;
    this.waiting.delete(page * FRAGMENTS_MAX + index);
    this.lastLines.set(page, line);
    return true;
  }

  /**
   * Takes the rule's answer back if the page's last end may have come after the decision: if its
   * record stands behind line `since`, in which the call began. False: the answer stands.
   */
  takeBack(page: number, since: number): boolean {
    const may = since > 0 && (this.lastLines.get(page) ?? 0) > since;
    if (may) this.moved++;
    return may;
  }
}
