/** Whoever holds something up: what can be told of a thread by those that wait for it. */

/** How it holds something up. */
export type StallCause =
  /** It is inside a read section. */
  | 'reader'
  /** It is online, of flavour qsbr, and has not been quiescent since. */
  | 'online'
  /** It holds a lock. */
  | 'lock'
  /** It holds a queue of callbacks. */
  | 'queue'
  /** It runs callbacks. */
  | 'callbacks';

/** Whoever holds something up, as far as others can tell. */
export interface Blocker {
  readonly cause: StallCause;
  /** Number of the thread; null where none can be named. */
  readonly thread: number | null;
  /** What it was called at attach; null: nothing. */
  readonly name: string | null;
  /** When it attached, in milliseconds since 1970, to the second; null where that is not known. */
  readonly attachedAtMs: number | null;
  /** What the lock is of, or whose the queue is; null for other causes. */
  readonly of: string | null;
}

const DOES: Readonly<Record<StallCause, (of: string | null) => string>> = Object.freeze({
  reader: () => 'is inside a read section',
  online: () => 'is online (qsbr) and has called neither quiescent nor offline since',
  lock: (of) => `holds the lock of ${of}`,
  queue: (of) => `holds the queue of ${of}`,
  callbacks: () => 'still runs callbacks',
});

/** For example `thread 2 (renderer) holds the lock of mm 1`. */
export function blockerText({ cause, thread, name, of }: Blocker): string {
  const nobody = cause === 'callbacks' ? 'some thread' : 'a thread';
  const subject = thread === null ? nobody : threadText(thread, name);
  return `${subject} ${DOES[cause](of)}`;
}

/** How a message speaks of a thread: `thread 2 (renderer)`, or by its number alone. */
export function threadText(thread: number, name: string | null): string {
  return name === null ? `thread ${thread}` : `thread ${thread} (${name})`;
}
