/**
 * The place of a heap, as users give it: a shared buffer and a first byte, or a handle of both.
 *
 * What can't be shared by threads is refused, for a heap in it would be one thread's own; so is a
 * growable buffer, for every access to it is slow.
 */
import { UsageError } from '../core/base/errors.js';
import { isObject, refusal } from '../core/base/shown.js';
import { HEAP_MAGIC } from '../core/mem/layout.js';
import { firstNotZero, type HeapBuffer, sharedBytes, viewWords } from '../core/mem/shared.js';

/** What another thread needs to attach. */
export interface HeapHandle {
  readonly buffer: SharedArrayBuffer;
  readonly byteOffset: number;
  readonly bytes: number;
}

export interface Place {
  readonly buffer: HeapBuffer;
  readonly byteOffset: number;
}

const ALIGNMENT_BYTES = 128;

/** A place of which both parts were judged. Throws `UsageError`. */
function placeOf(buffer: unknown, byteOffset: unknown, what: string): Place {
  return { buffer: sharedOf(buffer, what), byteOffset: offsetOf(byteOffset, what) };
}

/** The same where no buffer need be given. */
export interface PlaceAsked {
  /** Null: one is to be made. */
  readonly buffer: HeapBuffer | null;
  readonly byteOffset: number;
}

export function placeAsked(buffer: unknown, byteOffset: unknown, what: string): PlaceAsked {
  if (buffer !== undefined) return placeOf(buffer, byteOffset, what);
  return { buffer: null, byteOffset: offsetOf(byteOffset, what) };
}

/** The same where the buffer may be a handle, which says for itself where its heap begins. */
export function placeIn(given: unknown, byteOffset: unknown, what: string): Place {
  const isHandle = isObject(given) && sharedBytes(given) === null && 'buffer' in given;
  if (!isHandle || ArrayBuffer.isView(given)) return placeOf(given, byteOffset, what);
  // Also one that was cloned on its way to this thread, or is a part of something larger.
  const handle = given as Partial<HeapHandle>;
  if (byteOffset === undefined) return placeOf(handle.buffer, handle.byteOffset, what);
  const allowed = 'leave it out, for the handle says where its heap begins';
  throw refusal('bad-offset', `${what}: byteOffset`, byteOffset, allowed);
}

function sharedOf(given: unknown, what: string): HeapBuffer {
  if (sharedBytes(given) === null) {
    const allowed = "it must be a SharedArrayBuffer, or a shared WebAssembly.Memory's buffer";
    throw new UsageError('bad-buffer', `${what}: ${kindOfBuffer(given)}; ${allowed}`);
  }
  if ((given as { growable?: boolean }).growable !== true) return given as HeapBuffer;
  const why = 'every access to such a one is 30 times slower: make one of fixed length';
  throw new UsageError('growable', `${what}: the buffer is growable; ${why}`);
}

function kindOfBuffer(given: unknown): string {
  if (isObject(given) && given instanceof ArrayBuffer)
    return "buffer is an ArrayBuffer, which threads can't share";
  if (ArrayBuffer.isView(given)) return 'buffer is a view of a buffer';
  return refusal('', 'buffer', given, '').message.slice(0, -2);
}

function offsetOf(given: unknown, what: string): number {
  if (given === undefined) return 0;
  const isWhole = Number.isSafeInteger(given);
  if (isWhole && (given as number) >= 0 && (given as number) % ALIGNMENT_BYTES === 0) {
    return (given as number) + 0;
  }
  const allowed = `it must be a multiple of ${ALIGNMENT_BYTES}, 0 or more`;
  throw refusal('bad-offset', `${what}: byteOffset`, given, allowed);
}

/** Refuses a place in which so many bytes of a heap are not. `over`: it has even more. */
export function requireRoom(place: Place, bytes: number, what: string, over: string = ''): void {
  const { buffer, byteOffset } = place;
  const room = Math.max(0, buffer.byteLength - byteOffset);
  if (bytes <= room) return;
  const where = `the buffer has ${room} from byteOffset ${byteOffset} on`;
  throw new UsageError('no-room', `${what} takes ${over}${bytes} bytes, ${where}`);
}

/** Refuses memory in which something is: a heap, or anything else of the caller's. */
export function requireZeroed({ buffer, byteOffset }: Place, words: number, what: string): void {
  const view = viewWords(buffer, byteOffset, words);
  const word = firstNotZero(view);
  if (word === null) return;
  // Only to say which: both are refused.
  const isHeap = word === 0 && view[0] === HEAP_MAGIC;
  const found = isHeap
    ? 'there is a heap already'
    : `byte ${byteOffset + word * 4} begins a word that is ${view[word]}`;
  throw new UsageError('not-zeroed', `${what} needs zeroed memory, and ${found}`);
}
