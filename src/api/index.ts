/** The public names. */
export {
  InputError,
  InvariantError,
  LimitError,
  OutOfPagesError,
  StallError,
  UnsupportedError,
  UsageError,
} from '../base/errors.js';
export { at, type KindId, type MmId, type ThreadId, type Word } from '../base/units.js';
export type { CheckOptions, Violation } from '../frag/check.js';
export type { Memory } from '../mem/memory.js';
export {
  GEOMETRIES,
  type Geometry,
  geometryNamed,
  type TableKind,
} from '../pgtable/geometry.js';
export type { Flavour } from '../rcu/attach.js';
export {
  type AttachOptions,
  attach,
  createHeap,
  type HeapHandle,
  type HeapOptions,
  heapBytes,
  isSupported,
} from './heap.js';
export { type Table, Thread, type WaitAsyncOptions, type WaitOptions } from './thread.js';
