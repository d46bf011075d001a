/**
 * Operations that may be broken off half-way, by the names that users know them by. Those of waits
 * are in waiting.ts.
 */
import { Operation } from './operation.js';

/** Whether each is called so often that its code stays compiled: see `isFrequent`. */
const IS_FREQUENT = {
  createMm: false,
  destroyMm: false,
  enterMm: false,
  leaveMm: false,
  poll: true,
  reclaim: false,
  grow: false,
  pages: true,
  detach: false,
  recover: false,
  tablesOf: false,
  createSpace: false,
  openSpace: false,
  mapPage: true,
  mapRange: true,
  unmapRange: true,
  protect: true,
  fork: false,
  collapse: false,
  split: false,
  exit: false,
} as const;

type Name = keyof typeof IS_FREQUENT;

export const OPERATIONS: Readonly<Record<Name, Operation>> = Object.fromEntries(
  Object.entries(IS_FREQUENT).map(([name, often]) => [name, new Operation(name, often)]),
) as Record<Name, Operation>;

// Consts of this module, as mem/layout.ts says: they are on every allocation's and free's way.
export const ALLOC_TABLE: Operation = new Operation('allocTable', true);
export const TRY_ALLOC_TABLE: Operation = new Operation('tryAllocTable', true);
export const ALLOC_TABLE_ASYNC: Operation = new Operation('allocTableAsync', true);
export const FREE_TABLE: Operation = new Operation('freeTable', true);
