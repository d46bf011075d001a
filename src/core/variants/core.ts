/**
 * What does the job of the fragment core: ours, and the variants that use compare-and-swap where
 * ours uses the owner's lock. Same heap, same records, same RCU; scenarios and figures are made for
 * each of them.
 */
import type { KindId, MmId, Word } from '../base/units.js';
import { allocTable } from '../frag/alloc.js';
import { CALLBACKS } from '../frag/callback.js';
import { checkHeap, type HeapCheckOptions, type Violation } from '../frag/check.js';
import { freeTable } from '../frag/free.js';
import { destroyMm } from '../frag/mm.js';
import { PER_WORD } from '../frag/state.js';
import type { Heap, Thread } from '../mem/heap.js';
import { FRAGMENTS_MAX } from '../mem/layout.js';
import type { CallbackTable } from '../rcu/callback.js';
import { checkVariant } from './check.js';
import * as eager from './eager.js';
import * as lazy from './lazy.js';

/** One implementation of the protocol, as scenarios call it. */
export interface Core {
  readonly name: 'common' | 'common-A' | 'common-Y';
  /** Fragments of a page that it can serve. */
  readonly perPageMax: number;
  /** Whether a free may join a pending grace period that has not begun. */
  readonly joins: boolean;
  /** Whether alloc may take from a page of which no table is left. */
  readonly rescues: boolean;
  readonly allocTable: (thread: Thread, mm: MmId, kind: KindId) => Word | null;
  readonly freeTable: (thread: Thread, mm: MmId, table: Word) => void;
  readonly destroyMm: (thread: Thread, mm: MmId) => void;
  readonly callbacks: CallbackTable;
  readonly check: (heap: Heap, options: HeapCheckOptions) => Violation[];
}

/** L: the core that ships, everything under the owner's lock. */
export const COMMON: Core = {
  name: 'common',
  perPageMax: FRAGMENTS_MAX,
  joins: true,
  rescues: false,
  allocTable,
  freeTable,
  destroyMm,
  callbacks: CALLBACKS,
  check: checkHeap,
};

/** A: the lists under the lock, the states by compare-and-swap. */
const EAGER: Core = {
  name: 'common-A',
  perPageMax: FRAGMENTS_MAX,
  joins: false,
  rescues: false,
  allocTable: eager.allocTable,
  freeTable: eager.freeTable,
  destroyMm: eager.destroyMm,
  callbacks: eager.CALLBACKS,
  check: checkVariant,
};

/** Y: as A, and a page stays listed until its callback takes it off. One state word only. */
const LAZY: Core = {
  name: 'common-Y',
  perPageMax: PER_WORD,
  joins: false,
  rescues: true,
  allocTable: lazy.allocTable,
  freeTable: lazy.freeTable,
  destroyMm: lazy.destroyMm,
  callbacks: lazy.CALLBACKS,
  check: checkVariant,
};

/** The protocol as it ships, and its variants, by name. */
export const CORES: readonly Core[] = [COMMON, EAGER, LAZY];
