/** A scenario as a test: for any runner in which a test fails that throws. */
import { type CheckOptions, type CheckResult, check } from './check.js';
import { formatFailure } from './report.js';
import type { Scenario } from './scenario.js';

/** What `checkScenario` throws for a scenario that does not hold, or was not explored whole. */
export class ScenarioError extends Error {
  override readonly name: string = 'ScenarioError';
  /** `scenario-violated`, or `scenario-inconclusive` where a bound was reached. */
  readonly code: 'scenario-violated' | 'scenario-inconclusive';
  readonly result: CheckResult;

  constructor(message: string, code: ScenarioError['code'], result: CheckResult) {
    super(message);
    this.code = code;
    this.result = result;
  }
}

/**
 * Explores a scenario as `check` does, and returns its result if it holds. Else it throws a
 * `ScenarioError`; the message has the threads' columns, and the schedule for `replay`.
 *
 * Call it in a test of `node:test`, vitest or another runner: it needs none of them. It blocks
 * until all is explored. In a mode that is bounded by what was asked (`bounded`, `random`, `pct`) a
 * scenario may hold; to reach `stepsMax` is not to hold.
 */
export function checkScenario(scenario: Scenario, options: CheckOptions = {}): CheckResult {
  const result = check(scenario, options);
  if (result.verdict === 'holds') return result;
  const error = errorOf(scenario, result);
  // The place that is of interest is the test.
  Error.captureStackTrace?.(error, checkScenario);
  throw error;
}

function errorOf(scenario: Scenario, result: CheckResult): ScenarioError {
  const { failure, bound, executions, steps } = result;
  if (failure === null) {
    const seen = `no failure in ${executions} executions of ${steps} steps`;
    const message = `${scenario.name}: inconclusive: not explored beyond ${bound}; ${seen}`;
    return new ScenarioError(message, 'scenario-inconclusive', result);
  }
  const lines = formatFailure(scenario, failure).join('\n');
  return new ScenarioError(lines, 'scenario-violated', result);
}
