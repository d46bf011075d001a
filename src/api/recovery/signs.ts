/** What a thread does so that others can tell, by `watch`, that it lives and where it is. */
import { beat as beatCore, noteEntered } from '../../core/mem/signs.js';
import { isReading } from '../../core/rcu/reader.js';
import { wholeNumber } from '../arguments.js';
import { attachmentOf } from '../attachment.js';
import type { AttachedThread } from '../thread.js';

/** The longest time of a timer, in milliseconds. */
export const TIMER_MS_MAX: number = 2 ** 31 - 1;

/** How often a thread gives a sign by itself, in milliseconds. */
const BEAT_MS = 500;

/**
 * Says once that this thread goes on: for threads that never come back to their event loop, which
 * call it now and then. One atomic store.
 */
export function beat(thread: AttachedThread): void {
  beatCore(attachmentOf(thread, 'beat').operations.here());
}

/**
 * Says every `everyMs` that this thread goes on, as long as its event loop does, until the thread
 * detaches or what is returned is called. Does not keep the process alive.
 */
export function startBeating(thread: AttachedThread, everyMs: number = BEAT_MS): () => void {
  const { operations } = attachmentOf(thread, 'startBeating');
  const range = { least: 1, most: TIMER_MS_MAX };
  const period = wholeNumber(everyMs, range, 'startBeating: everyMs', 'bad-option');
  // The first at once: a thread is watched for silence from its first sign on.
  beatCore(operations.here());
  return every(period, () => {
    // Its record is another's by now.
    if (operations.hasLeft) return false;
    if (!operations.isBrokenOff) beatCore(operations.here());
    return true;
  });
}

/** Calls `work` every so often, until it returns false or what is returned is called. */
export function every(periodMs: number, work: () => boolean): () => void {
  const timer: unknown = setInterval(() => {
    if (!work()) stop();
  }, periodMs);
  const stop = (): void => clearInterval(timer as ReturnType<typeof setInterval>);
  // Node's: a page's timer is a number, and ends with the page.
  (timer as { unref?: () => void }).unref?.();
  return stop;
}

/** Who has asked for a thread's sections to be traced, and has not ended that. */
const tracers = new WeakMap<AttachedThread, number>();

/**
 * From now on this thread notes where each of its read sections is entered, for `watch` of others:
 * file and line, the last 48 characters. It costs some microseconds for each section. What is
 * returned ends it.
 */
export function traceSections(thread: AttachedThread): () => void {
  const { operations } = attachmentOf(thread, 'traceSections');
  operations.here();
  if (change(thread, 1) === 1) {
    const { readLock } = thread;
    // A property of this object alone: other threads' sections cost what they did.
    thread.readLock = () => {
      const core = operations.here();
      // Inner sections hold up nothing that the outer one does not.
      if (!isReading(core)) noteEntered(core, callerOf(new Error().stack));
      readLock.call(thread);
    };
  }
  let isOver = false;
  return () => {
    if (!isOver && change(thread, -1) === 0) {
      Reflect.deleteProperty(thread, 'readLock');
      // Nothing is known of sections to come. Where the thread has left, the record is another's.
      if (!operations.hasLeft) noteEntered(operations.here(), '');
    }
    isOver = true;
  };
}

function change(thread: AttachedThread, by: 1 | -1): number {
  const now = (tracers.get(thread) ?? 0) + by;
  tracers.set(thread, now);
  return now;
}

/** The first line of a stack that is not ptfrag's own: its file's name, line and column. */
function callerOf(stack = ''): string {
  const places = stack
    .split('\n')
    .flatMap((line) => /([^/\\(@\s]+:\d+:\d+)\)?\s*$/.exec(line) ?? []);
  const isOwn = (place: string): boolean => /^(?:signs|thread)\.[jt]s:/.test(place);
  return places.find((place) => /^[^(]*:\d+:\d+$/.test(place) && !isOwn(place)) ?? '';
}
