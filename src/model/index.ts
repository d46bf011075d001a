/**
 * The checker, for the code of others too: operations over the `Memory` seam, as scenarios.
 */

export type { Word } from '../base/units.js';
export { CORES, type Core } from '../designs/core.js';
export type { Memory } from '../mem/memory.js';
export { CATALOGUE, scenarioNamed } from './catalogue.js';
export {
  type CheckOptions,
  type CheckResult,
  check,
  type Failure,
  type Mode,
  replay,
} from './check.js';
export { type Cost, costOf, SITUATIONS, type Situation } from './cost.js';
export type { Operation } from './machine.js';
export { applyMutant, type Mutant } from './mutant.js';
export { MUTANTS } from './mutants.js';
export { formatFailure } from './report.js';
export type { Finding, Scenario, Setup, Stage } from './scenario.js';
