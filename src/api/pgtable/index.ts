/** The public names of `ptfrag/pgtable`: address spaces, on threads that `ptfrag` attached. */
export { PROT, type Prot } from '../../core/pgtable/format.js';
export type { Image } from '../../core/pgtable/image.js';
export type { Tlb } from '../../core/pgtable/tlb.js';
export { NOT_MAPPED } from '../../core/pgtable/walk.js';
export type { Address } from './address.js';
export { frameOf, protOf } from './found.js';
export type { ImageOptions } from './image.js';
export { createSpace, openSpace } from './open.js';
export type { RangeOptions } from './slices.js';
export type { AddressSpace } from './space.js';
