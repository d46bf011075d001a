/** The public names of `ptfrag/pgtable`: address spaces, on threads that `ptfrag` attached. */
export { PROT, type Prot } from '../../core/pgtable/format.js';
export type { Image } from '../../core/pgtable/image.js';
export type { Tlb } from '../../core/pgtable/tlb.js';
export { frameOf, NOT_MAPPED, protOf } from '../../core/pgtable/walk.js';
export type { Address } from './address.js';
export { createSpace, openSpace } from './open.js';
export type { RangeOptions } from './slices.js';
export type { AddressSpace } from './space.js';
