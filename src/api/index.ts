/** The public names of `ptfrag`. */
export type { Blocker, StallCause } from '../core/base/blocker.js';
export {
  InputError,
  InvariantError,
  LimitError,
  OutOfPagesError,
  StallError,
  UnsupportedError,
  UsageError,
  WriteAfterFreeError,
} from '../core/base/errors.js';
export type { ThreadId, Word } from '../core/base/units.js';
export type { HeapCheckOptions, Violation } from '../core/frag/check.js';
export type { SharedWords } from '../core/mem/memory.js';
export {
  GEOMETRIES,
  type Geometry,
  geometryNamed,
  type TableKind,
} from '../core/pgtable/geometry.js';
export type { Flavour } from '../core/rcu/attach.js';
export type { HeapHandle } from './buffer.js';
export { type AttachOptions, attach, createHeap, heapBytes, isSupported } from './heap.js';
export type { KindId, MmId } from './ids.js';
export type { ObtainAsyncOptions, ObtainOptions } from './obtain.js';
export type { HeapOptions } from './options.js';
export type { ThreadInfo } from './reports.js';
export { AttachedThread, type Table } from './thread.js';
export type { WaitAsyncOptions, WaitOptions } from './waiting.js';
export { at } from './words.js';
