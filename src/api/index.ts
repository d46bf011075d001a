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
export { PROT, type Prot } from '../pgtable/format.js';
export {
  GEOMETRIES,
  type Geometry,
  geometryNamed,
  type TableKind,
} from '../pgtable/geometry.js';
export type { Image } from '../pgtable/image.js';
export type { Tlb } from '../pgtable/tlb.js';
export { frameOf, NOT_MAPPED, protOf } from '../pgtable/walk.js';
export type { Flavour } from '../rcu/attach.js';
export type { Address } from './address.js';
export {
  type AttachOptions,
  attach,
  createHeap,
  type HeapHandle,
  type HeapOptions,
  heapBytes,
  isSupported,
} from './heap.js';
export type { RangeOptions } from './ranges.js';
export type { AddressSpace } from './space.js';
export { type Table, Thread, type WaitAsyncOptions, type WaitOptions } from './thread.js';
