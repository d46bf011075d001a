/**
 * How often a thread has entered each mm. The heap knows only whether it has (core/frag/users.ts):
 * that is what a thread that dies must not leave unknown.
 */
import type { MmId } from '../core/base/units.js';
import { enterMm, leaveAllMms, leaveMm } from '../core/frag/users.js';
import type { Thread } from '../core/mem/heap.js';

export class MmUsers {
  private readonly times = new Map<MmId, number>();

  /** Throws `UsageError` if the mm is not live. */
  enter(thread: Thread, mm: MmId): void {
    const times = this.times.get(mm) ?? 0;
    if (times === 0) enterMm(thread, mm);
    this.times.set(mm, times + 1);
  }

  /** Undoes one `enter`. Throws `UsageError` if there was none. */
  leave(thread: Thread, mm: MmId): void {
    const times = this.times.get(mm) ?? 0;
    if (times > 1) {
      this.times.set(mm, times - 1);
      return;
    }
    leaveMm(thread, mm);
    this.times.delete(mm);
  }

  /** The thread leaves the heap. Takes no lock. */
  leaveAll(thread: Thread): void {
    if (this.times.size === 0) return;
    leaveAllMms(thread);
    this.times.clear();
  }
}
