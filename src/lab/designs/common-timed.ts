/**
 * The common core where grace periods have a length of their own: frees join one that has not
 * begun, as they do on threads.
 */
import type { GracePeriod, Word } from '../../core/base/units.js';
import { beginGrace, endGrace, graceBegun, graceEnded } from '../../core/rcu/grace-period.js';
import { waitsFor } from '../../core/rcu/manual.js';
import { Common, type CommonTable } from './common.js';

export class TimedCommon extends Common {
  /** Queued heads, oldest first, so their grace periods never decrease. */
  private queue: Word[] = [];

  protected override tableQueued(
    number: number,
    _table: CommonTable,
    heads: readonly Word[],
  ): void {
    this.tables.delete(number);
    this.queue.push(...heads);
  }

  protected override mmQueued(_mm: number, heads: readonly Word[]): void {
    this.queue.push(...heads);
  }

  override wantsGrace(): boolean {
    const newest = this.queue.at(-1);
    return newest !== undefined && !graceBegun(this.thread.heap, this.graceOf(newest));
  }

  override beginGrace(): void {
    beginGrace(this.thread.heap);
  }

  /** Ends the grace period and runs what is ripe; what that queues waits for the next one. */
  override endGrace(): void {
    const { heap } = this.thread;
    endGrace(heap);
    this.counts.gracePeriods++;
    const queue = this.queue;
    const unripe = queue.findIndex((head) => !graceEnded(heap, this.graceOf(head)));
    const ripe = queue.splice(0, unripe < 0 ? queue.length : unripe);
    for (const head of ripe) queue.push(...this.runHead(head));
  }

  private graceOf(head: Word): GracePeriod {
    return waitsFor(this.thread, head) as GracePeriod;
  }

  protected override waitingHeads(): readonly Word[] {
    return this.queue;
  }

  override end(): void {}
  override endMm(): void {}
  override settle(): void {}
}
