/** What an attached thread lends to the other entries of this package, as `ptfrag/pgtable`. */
import type { Thread } from '../core/mem/heap.js';

export interface Attachment {
  /** The core's handle. Throws `UsageError` once the thread has left the heap. */
  readonly here: () => Thread;
  /** Says that so many tables, or perhaps more, were freed: polls if it is time. */
  readonly freed: (tables: number) => void;
  /**
   * Says that an operation in slices has begun. What it returns says that it is over. Should the
   * thread leave the heap before, `cancel` is called while it still is attached: it must undo what
   * is to be undone, for later the thread's record may be another's.
   */
  readonly running: (cancel: (reason: Error) => void) => () => void;
}
