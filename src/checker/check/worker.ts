/**
 * A thread that explores scenarios: one at a time, as it is told. It imports nothing but the model
 * and the core, so that a copy of those with a mutant in it runs just the same.
 */
import { parentPort } from 'node:worker_threads';
import { type CheckOptions, type CheckResult, check, notExplored } from '../model/check.js';
import type { Scenario } from '../model/scenario.js';
import { designOf, scenarioNamed } from '../proof/catalogue.js';

export interface CheckTask {
  readonly scenario: string;
  readonly options: CheckOptions;
}

export interface CheckAnswer extends CheckResult {
  readonly design: string;
  readonly rules: readonly string[];
  readonly seconds: number;
}

function explore({ scenario: name, options }: CheckTask): CheckAnswer {
  const scenario = scenarioNamed(name);
  const begin = performance.now();
  const result = checkAnyway(scenario, options);
  const seconds = (performance.now() - begin) / 1000;
  return { ...result, design: designOf(scenario), rules: scenario.rules, seconds };
}

/** A broken build may fail in the checker itself: that is a failure too, with no schedule. */
function checkAnyway(scenario: Scenario, options: CheckOptions): CheckResult {
  try {
    return check(scenario, options);
  } catch (error) {
    const { name, message } = error as Error;
    return notExplored(scenario, (error as { rule?: string }).rule ?? name, message);
  }
}

parentPort?.on('message', (task: CheckTask) => parentPort?.postMessage(explore(task)));
