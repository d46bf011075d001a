/** A thread that explores scenarios, one at a time; also those of a build with a mutant in it. */
import { parentPort } from 'node:worker_threads';
import { type CheckOptions, type CheckResult, check, notExplored } from '../model/check.js';
import type { Scenario } from '../model/scenario.js';
import * as own from '../proof/catalogue.js';

export interface CheckTask {
  readonly scenario: string;
  readonly options: CheckOptions;
  /** Where another catalogue is than this build's: plant.ts. */
  readonly catalogue?: string | undefined;
}

export interface CheckAnswer extends CheckResult {
  readonly design: string;
  readonly rules: readonly string[];
  readonly seconds: number;
}

async function explore({ scenario: name, options, catalogue }: CheckTask): Promise<CheckAnswer> {
  const { designOf, scenarioNamed }: typeof own =
    catalogue === undefined ? own : await import(catalogue);
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

parentPort?.on('message', async (task: CheckTask) => {
  parentPort?.postMessage(await explore(task));
});
