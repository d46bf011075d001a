/** What an attached thread lends to the other entries of this package, as `ptfrag/pgtable`. */
import type { Operations } from './operation.js';

export interface Attachment {
  /** What is done with the core's handle; it refuses all once the thread has left the heap. */
  readonly operations: Operations;
  /** Says that so many tables, or perhaps more, were freed: polls if it is time. */
  readonly freed: (tables: number) => void;
  /**
   * Says that an operation in slices has begun. What it returns says that it is over. Should the
   * thread leave the heap before, `cancel` is called while it still is attached: it must undo what
   * is to be undone, for later the thread's record may be another's.
   */
  readonly running: (cancel: (reason: Error) => void) => () => void;
}
