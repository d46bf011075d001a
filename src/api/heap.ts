/**
 * Making a heap, and attaching to one.
 *
 * A heap is a piece of shared memory and nothing else: hand its buffer to another thread (by
 * `postMessage` or `workerData`) and that thread attaches with it.
 */
import { LimitError, UnsupportedError, UsageError } from '../core/base/errors.js';
import { initCommonOwner } from '../core/frag/mm.js';
import {
  checkConfig,
  formatHeap,
  type Heap,
  type HeapConfig,
  headerWord,
  openHeap,
} from '../core/mem/heap.js';
import { HEAP, layoutOf } from '../core/mem/layout.js';
import {
  type HeapBuffer,
  mayThreadSleep,
  reserveBuffer,
  SharedMemory,
  viewWords,
} from '../core/mem/shared.js';
import { growSupply } from '../core/mem/supply.js';
import { missingFeature } from '../core/mem/support.js';
import { type Geometry, geometryNamed, kindsOf } from '../core/pgtable/geometry.js';
import { attachThread, detachThread, type Flavour } from '../core/rcu/attach.js';
import { AttachedThread } from './thread.js';

export interface HeapOptions {
  /** A built-in geometry by name, or one of your own. Default: `generic`. */
  readonly geometry?: string | Geometry;
  /** Pages that can be handed out at first. */
  readonly pages: number;
  /** Pages that `grow` can reach. Only reserved: the OS commits memory when it is touched. */
  readonly pagesMax?: number;
  /** Threads attached at a time, 1 to 256. Default: 16. */
  readonly threadsMax?: number;
  /** Address spaces at a time, those that wait for a grace period included. Default: 255. */
  readonly mmsMax?: number;
  /** One owner of partial pages for each mm, or one for all. Default: `mm`. */
  readonly sharing?: 'mm' | 'all';
  /** Check that freed tables are empty and free memory is untouched: slower. Default: false. */
  readonly debug?: boolean;
  /** Where to put it, for example a shared `WebAssembly.Memory`'s buffer. Default: a new one. */
  readonly buffer?: SharedArrayBuffer;
  /** First byte in `buffer`, a multiple of 128. */
  readonly byteOffset?: number;
}

/** What another thread needs to attach. */
export interface HeapHandle {
  readonly buffer: SharedArrayBuffer;
  readonly byteOffset: number;
  readonly bytes: number;
}

export interface AttachOptions {
  readonly byteOffset?: number;
  /** See docs/start.md, "Which flavour". Default: `epoch`. */
  readonly flavour?: Flavour;
}

/** Tries of a lock before its waiter sleeps. */
const SPINS = 100;

const ALIGNMENT_BYTES = 128;

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
  const config = configOf(options);
  checkConfig(config);
  return layoutOf(config).words * 4;
}

function configOf(options: HeapOptions): HeapConfig {
  const { geometry = 'generic', pages, pagesMax = pages } = options;
  const shape = typeof geometry === 'string' ? geometryNamed(geometry) : geometry;
  const sharing = options.sharing ?? 'mm';
  if (sharing !== 'mm' && sharing !== 'all') {
    throw new UsageError('bad-config', `sharing is ${sharing}; it can be mm or all`);
  }
  if (!Number.isInteger(pages) || pages < 1 || pages > pagesMax) {
    throw new UsageError(
      'bad-config',
      `pages is ${pages}; allowed are 1 to pagesMax = ${pagesMax}`,
    );
  }
  // One record of an mm more than was asked for: number 0 is the common owner's.
  return {
    geometry: shape.name,
    kinds: kindsOf(shape),
    pageShift: Math.log2(shape.pageBytes / 4),
    pagesMax,
    threadsMax: options.threadsMax ?? 16,
    mmsMax: (options.mmsMax ?? 255) + 1,
    sharedOwner: sharing === 'all',
    debug: options.debug === true,
    spins: SPINS,
  };
}

/**
 * Makes a heap. Throws `UsageError` for options that can't be, `LimitError` where memory of that
 * size can't be reserved (it names a size that can), `UnsupportedError` where nothing can.
 */
export function createHeap(options: HeapOptions): HeapHandle {
  requireSupport();
  const config = configOf(options);
  checkConfig(config);
  const { words } = layoutOf(config);
  const buffer = options.buffer ?? reserve(config);
  const byteOffset = options.byteOffset ?? 0;
  checkRoom(buffer, byteOffset, words * 4);
  const mem = new SharedMemory(viewWords(buffer, byteOffset, words), mayThreadSleep());
  // Plain: the memory is the caller's, and nobody else can know of a heap there.
  if (mem.peek(headerWord(HEAP.MAGIC)) !== 0) {
    throw new UsageError(
      'not-zeroed',
      'createHeap needs zeroed memory, and there is a heap already',
    );
  }
  const heap = formatHeap(mem, config);
  initCommonOwner(heap);
  // The supply grows under its lock, and only a thread takes a lock: one is attached for that.
  const creator = attachThread(heap, 'epoch');
  growSupply(creator, options.pages);
  detachThread(creator);
  return { buffer, byteOffset, bytes: words * 4 };
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

function checkRoom(buffer: HeapBuffer, byteOffset: number, bytes: number): void {
  if (byteOffset < 0 || byteOffset % ALIGNMENT_BYTES !== 0) {
    throw new UsageError('bad-offset', `byteOffset ${byteOffset} is no multiple of 128`);
  }
  if ((buffer as { growable?: boolean }).growable === true) {
    throw new UsageError('growable', 'a growable buffer makes every access 30 times slower');
  }
  if (byteOffset + bytes > buffer.byteLength) {
    const room = buffer.byteLength - byteOffset;
    throw new UsageError('no-room', `the heap takes ${bytes} bytes, the buffer has ${room}`);
  }
}

/**
 * Attaches this thread to a heap, given its buffer alone. Throws `UsageError` where no heap is,
 * `LimitError` when all thread records are taken. Call `detach` before the thread ends.
 */
export function attach(buffer: SharedArrayBuffer, options: AttachOptions = {}): AttachedThread {
  return new AttachedThread(
    attachThread(openBuffer(buffer, options.byteOffset ?? 0), options.flavour ?? 'epoch'),
  );
}

function openBuffer(buffer: SharedArrayBuffer, byteOffset: number): Heap {
  requireSupport();
  checkRoom(buffer, byteOffset, HEAP.WORDS * 4);
  const maySleep = mayThreadSleep();
  const header = openHeap(new SharedMemory(viewWords(buffer, byteOffset, HEAP.WORDS), maySleep));
  checkRoom(buffer, byteOffset, header.words * 4);
  // The header told how long the heap is; the handle that is kept covers it all.
  const words = viewWords(buffer, byteOffset, header.words);
  return openHeap(new SharedMemory(words, maySleep, () => performance.now()));
}
