/**
 * Making a heap, and attaching to one.
 *
 * A heap is a piece of shared memory and nothing else: hand its buffer to another thread (by
 * `postMessage` or `workerData`) and that thread attaches with it.
 */
import { LimitError, UnsupportedError } from '../core/base/errors.js';
import { refusal } from '../core/base/shown.js';
import { type Heap, type HeapConfig, LOCK_WAITS, openHeap } from '../core/mem/heap.js';
import { HEAD_WORDS, NAME_WORDS } from '../core/mem/layout.js';
import { isNameOf } from '../core/mem/name.js';
import { layoutOf } from '../core/mem/regions.js';
import {
  type HeapBuffer,
  mayThreadSleep,
  reserveBuffer,
  SharedMemory,
  viewWords,
} from '../core/mem/shared.js';
import { missingFeature } from '../core/mem/support.js';
import { attachThread, type Flavour } from '../core/rcu/attach.js';
import { milliseconds, oneOf, optionsOf, WORKERS, wholeNumber } from './arguments.js';
import { type HeapHandle, type Place, placeIn, requireRoom, requireZeroed } from './buffer.js';
import { numberOfThread } from './leaving.js';
import { makeHeap } from './making.js';
import { type HeapOptions, type HeapPlan, planOf } from './options.js';
import { probeDeepStack } from './stack.js';
import { AttachedThread } from './thread.js';
import { WARM_UP_HEAP, warmUp } from './warm-up.js';

/** How `attach` finds the heap in the buffer, and how the thread reads. */
export interface AttachOptions {
  /** First byte of the heap in the buffer; a handle says it itself. Default: 0. */
  readonly byteOffset?: number | undefined;
  /** See docs/start.md, "Which flavour". Default: `epoch`. */
  readonly flavour?: Flavour | undefined;
  /**
   * What errors and `blocker()` of other threads call this one: 1 to 32 characters of ASCII.
   * Default: its number alone.
   */
  readonly name?: string | undefined;
  /**
   * After how long a wait for a lock is given up with a `StallError`, in milliseconds. Locks are
   * held for microseconds: by then who has it is stopped or dead, or there are far more threads
   * than processors. Default: 1,000.
   */
  readonly lockStallMs?: number | undefined;
  /**
   * Number of this JavaScript thread, by which others recover what it leaves if it dies
   * (`ptfrag/recovery`): 0 to 4,194,301, and no other's, now or later. Default: in Node its
   * `threadId`, which is best left so; elsewhere none, and then nobody can recover what it leaves.
   */
  readonly worker?: number | undefined;
}

/** Shorter than other waits: a thread that may not sleep spins, and a tab would freeze. */
const LOCK_STALL_MS = 1000;

/** Whether heaps work here; if not, why. Touches nothing shared. */
export function isSupported(): { readonly ok: boolean; readonly reason: string | null } {
  const reason = missingFeature();
  return { ok: reason === null, reason };
}

function requireSupport(): void {
  const reason = missingFeature();
  if (reason !== null) throw new UnsupportedError('no-shared-memory', reason);
}

/** Bytes that a heap with these options takes. Throws `UsageError` for options that can't be. */
export function heapBytes(options: HeapOptions): number {
  return layoutOf(planOf(options, 'heapBytes').config).words * 4;
}

/**
 * Makes a heap. Throws `UsageError` for options that can't be, `LimitError` where memory of that
 * size can't be reserved (it names a size that can), `UnsupportedError` where nothing can.
 */
export function createHeap(options: HeapOptions): HeapHandle {
  requireSupport();
  probeDeepStack();
  const plan = planOf(options, 'createHeap');
  const { config } = plan;
  const { words } = layoutOf(config);
  const { buffer, byteOffset } = emptyPlace(plan, words);
  const mem = new SharedMemory(viewWords(buffer, byteOffset, words), mayThreadSleep());
  makeHeap(mem, config, plan.pages);
  return { buffer, byteOffset, bytes: words * 4 };
}

/** A place in which nothing is yet: the caller's own, or a new buffer, which the heap fills. */
function emptyPlace({ place: { buffer, byteOffset }, config }: HeapPlan, words: number): Place {
  if (buffer === null) {
    if (byteOffset === 0) return { buffer: reserve(config), byteOffset };
    const allowed = 'leave it out, or give the buffer that it is an offset in';
    throw refusal('bad-offset', 'createHeap: byteOffset', byteOffset, allowed);
  }
  const place = { buffer, byteOffset };
  requireRoom(place, words * 4, 'createHeap: the heap');
  requireZeroed(place, words, 'createHeap');
  return place;
}

/** Reserves a buffer; where that is refused, finds out what would have been possible. */
function reserve(config: HeapConfig): HeapBuffer {
  for (let pagesMax = config.pagesMax; pagesMax >= 1; pagesMax = Math.floor(pagesMax / 2)) {
    let buffer: HeapBuffer;
    try {
      buffer = reserveBuffer(layoutOf({ ...config, pagesMax }).words * 4);
    } catch {
      // Half of it, until some size can be had: only to say which, the buffer is not kept.
      continue;
    }
    if (pagesMax === config.pagesMax) return buffer;
    const message = `memory for ${config.pagesMax} pages can't be reserved; ${pagesMax} can`;
    throw new LimitError('pagesMax', config.pagesMax, message);
  }
  throw new UnsupportedError('no-memory', 'no shared memory can be reserved');
}

/**
 * Attaches this thread to a heap, given its buffer or its handle. Throws `UsageError` where no heap
 * is, `LimitError` when all thread records are taken. Call `detach` before the thread ends; Node's
 * workers do it by themselves where they can (docs/start.md).
 */
export function attach(
  buffer: ArrayBufferLike | HeapHandle,
  options: AttachOptions = {},
): AttachedThread {
  // Before anything is written: a record that is taken, and no handle made, would be lost.
  probeDeepStack();
  const { byteOffset, flavour, name, lockStallMs, worker } = optionsOf(options, 'attach');
  const chosen = oneOf(flavour, ['epoch', 'qsbr'], 'attach: flavour', 'bad-option');
  const stallMs = milliseconds(lockStallMs, LOCK_STALL_MS, 'attach: lockStallMs');
  const identity = {
    name: threadNameOf(name),
    atSeconds: Math.floor(Date.now() / 1000),
    worker:
      worker === undefined
        ? numberOfThread()
        : wholeNumber(worker, WORKERS, 'attach: worker', 'bad-option'),
  };
  const heap = openAt(placeIn(buffer, byteOffset, 'attach'));
  if (!isWarm) warmUpHere();
  return new AttachedThread(attachThread(heap, chosen, { ...LOCK_WAITS, stallMs }, identity));
}

/** Whether this JavaScript thread has run each operation once. */
let isWarm = false;

/** Takes some milliseconds, most of which the first operations would take otherwise. */
function warmUpHere(): void {
  // Before: what is attached here is not to begin it again.
  isWarm = true;
  try {
    const { buffer } = createHeap(WARM_UP_HEAP);
    warmUp(attach(buffer), attach(buffer));
  } catch (error) {
    // Out of stack: the next attach tries again. Out of memory there is no warming up.
    isWarm = !(error instanceof RangeError);
    if (!isWarm) throw error;
  }
}

/** '' for none. */
function threadNameOf(name: unknown): string {
  if (name === undefined) return '';
  const most = 4 * NAME_WORDS.THREAD;
  if (typeof name === 'string' && name !== '' && isNameOf(NAME_WORDS.THREAD, name)) return name;
  const allowed = `it must be 1 to ${most} characters of ASCII, or left out`;
  throw refusal('bad-option', 'attach: name', name, allowed);
}

function openAt(place: Place): Heap {
  const { buffer, byteOffset } = place;
  requireRoom(place, HEAD_WORDS * 4, 'attach: a heap', 'over ');
  const maySleep = mayThreadSleep();
  const head = openHeap(new SharedMemory(viewWords(buffer, byteOffset, HEAD_WORDS), maySleep));
  requireRoom(place, head.words * 4, 'attach: the heap');
  // The head told how long the heap is; the handle that is kept covers it all.
  const words = viewWords(buffer, byteOffset, head.words);
  return openHeap(new SharedMemory(words, maySleep, () => performance.now()));
}
