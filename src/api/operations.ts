/**
 * Operations that may be broken off half-way, by the names that users know them by. Those of waits
 * are in waiting.ts.
 */
import { Operation } from './operation.js';

interface Named {
  readonly createMm: Operation;
  readonly destroyMm: Operation;
  readonly enterMm: Operation;
  readonly leaveMm: Operation;
  readonly poll: Operation;
  readonly reclaim: Operation;
  readonly grow: Operation;
  readonly pages: Operation;
  readonly detach: Operation;
  readonly tablesOf: Operation;
  readonly createSpace: Operation;
  readonly openSpace: Operation;
  readonly mapPage: Operation;
  readonly mapRange: Operation;
  readonly unmapRange: Operation;
  readonly protect: Operation;
  readonly fork: Operation;
  readonly collapse: Operation;
  readonly split: Operation;
  readonly exit: Operation;
}

export const OPERATIONS: Named = {
  createMm: new Operation('createMm', false),
  destroyMm: new Operation('destroyMm', false),
  enterMm: new Operation('enterMm', false),
  leaveMm: new Operation('leaveMm', false),
  poll: new Operation('poll', true),
  reclaim: new Operation('reclaim', false),
  grow: new Operation('grow', false),
  pages: new Operation('pages', true),
  detach: new Operation('detach', false),
  tablesOf: new Operation('tablesOf', false),
  createSpace: new Operation('createSpace', false),
  openSpace: new Operation('openSpace', false),
  mapPage: new Operation('mapPage', true),
  mapRange: new Operation('mapRange', true),
  unmapRange: new Operation('unmapRange', true),
  protect: new Operation('protect', true),
  fork: new Operation('fork', false),
  collapse: new Operation('collapse', false),
  split: new Operation('split', false),
  exit: new Operation('exit', false),
};

// Consts of this module, as mem/layout.ts says: they are on every allocation's and free's way.
export const ALLOC_TABLE: Operation = new Operation('allocTable', true);
export const TRY_ALLOC_TABLE: Operation = new Operation('tryAllocTable', true);
export const ALLOC_TABLE_ASYNC: Operation = new Operation('allocTableAsync', true);
export const FREE_TABLE: Operation = new Operation('freeTable', true);
