/**
 * The checker, for the code of others too: operations over the seam `SharedWords`, as scenarios.
 */

export type { Word } from '../../core/base/units.js';
export type { SharedWords } from '../../core/mem/memory.js';
export {
  type CheckOptions,
  type CheckResult,
  check,
  type Replay,
  replay,
} from './check.js';
export type { Failure, Interleaving, NamedStep, NamedWord, ShownValue } from './interleaving.js';
export type { CheckProgress, Watch } from './judging.js';
export { type Lock, type LockSubject, lockScenario, oneStepLock } from './lock.js';
export type { Mode } from './mode.js';
export { checkScenario, ScenarioError } from './must-hold.js';
export { applyMutant, type Mutant } from './mutant.js';
export type { Operation } from './program.js';
export { formatFailure, formatInterleaving } from './report.js';
export type { Finding, Findings, Scenario, Setup, Stage } from './scenario.js';
