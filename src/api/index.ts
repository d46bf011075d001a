/** The public names. */
export {
  InputError,
  InvariantError,
  LimitError,
  OutOfPagesError,
  StallError,
  UnsupportedError,
  UsageError,
} from '../core/base/errors.js';
export { at, type KindId, type MmId, type ThreadId, type Word } from '../core/base/units.js';
export type { CheckOptions, Violation } from '../core/frag/check.js';
export type { Memory } from '../core/mem/memory.js';
export { PROT, type Prot } from '../core/pgtable/format.js';
export {
  GEOMETRIES,
  type Geometry,
  geometryNamed,
  type TableKind,
} from '../core/pgtable/geometry.js';
export type { Image } from '../core/pgtable/image.js';
export type { Tlb } from '../core/pgtable/tlb.js';
export { frameOf, NOT_MAPPED, protOf } from '../core/pgtable/walk.js';
export type { Flavour } from '../core/rcu/attach.js';
export {
  type AttachOptions,
  attach,
  createHeap,
  type HeapHandle,
  type HeapOptions,
  heapBytes,
  isSupported,
} from './heap.js';
export type { Address } from './pgtable/address.js';
export type { RangeOptions } from './pgtable/ranges.js';
export type { AddressSpace } from './pgtable/space.js';
export { type Table, Thread, type WaitAsyncOptions, type WaitOptions } from './thread.js';
