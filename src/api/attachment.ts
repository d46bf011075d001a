/** What an attached thread lends to the other entries of this package, as `ptfrag/pgtable`. */
import { isObject, refusal } from '../core/base/shown.js';
import type { Operations } from './operation.js';
import type { AttachedThread } from './thread.js';
import type { MmUsers } from './users.js';

export interface Attachment {
  /** What is done with the core's handle; it refuses all once the thread has left the heap. */
  readonly operations: Operations;
  /** Which mms it has entered. */
  readonly users: MmUsers;
  /** Says that so many tables, or perhaps more, were freed: polls if it is time. */
  readonly freed: (tables: number) => void;
  /**
   * Says that an operation in slices has begun. What it returns says that it is over. Should the
   * thread leave the heap before, `cancel` is called while it still is attached: it must undo what
   * is to be undone, for later the thread's record may be another's.
   */
  readonly running: (cancel: (reason: Error) => void) => () => void;
}

/** What a thread lends. Not `instanceof`: other entries do not load the class. */
export function attachmentOf(thread: AttachedThread, what: string): Attachment {
  const attachment: unknown = isObject(thread) ? thread.attachment : undefined;
  if (isObject(attachment) && isObject((attachment as Partial<Attachment>).operations)) {
    return attachment as Attachment;
  }
  throw refusal('bad-thread', `${what}: thread`, thread, 'it must be what attach returned');
}
