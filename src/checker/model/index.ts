/**
 * The checker, for the code of others too: operations over the `Memory` seam, as scenarios.
 */

export type { Word } from '../../core/base/units.js';
export type { Memory } from '../../core/mem/memory.js';
export {
  type CheckOptions,
  type CheckResult,
  check,
  type Failure,
  type Mode,
  replay,
} from './check.js';
export type { Operation } from './machine.js';
export { applyMutant, type Mutant } from './mutant.js';
export { formatFailure } from './report.js';
export type { Finding, Scenario, Setup, Stage } from './scenario.js';
