/**
 * A thread that explores scenarios: one at a time, as it is told. It imports nothing but the model
 * and the core, so that a copy of those with a mutant in it runs just the same.
 */
import { parentPort } from 'node:worker_threads';
import { type CheckOptions, type CheckResult, check } from '../model/check.js';
import { formatFailure } from '../model/report.js';
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
  /** The failure in lines, for people; empty if there is none. */
  readonly report: readonly string[];
}

function explore({ scenario: name, options }: CheckTask): CheckAnswer {
  const scenario = scenarioNamed(name);
  const begin = performance.now();
  const result = checkOrReport(scenario, options);
  const seconds = (performance.now() - begin) / 1000;
  const report = result.failure === null ? [] : formatFailure(scenario, result.failure);
  return { ...result, design: designOf(scenario), rules: scenario.rules, seconds, report };
}

/** A broken build may fail before any thread runs: that is a failure too, with no schedule. */
function checkOrReport(scenario: Scenario, options: CheckOptions): CheckResult {
  try {
    return check(scenario, options);
  } catch (error) {
    const { name, message } = error as Error;
    const rule = (error as { rule?: string }).rule ?? name;
    const nothing = {
      executions: 0,
      redundant: 0,
      dismissed: 0,
      steps: 0,
      complete: false,
      bound: null,
    };
    return {
      scenario: scenario.name,
      verdict: 'violated',
      ...nothing,
      mustSee: { seen: [], missing: scenario.mustSee },
      failure: { rule, detail: `setting up: ${message}`, schedule: '', steps: [] },
    };
  }
}

parentPort?.on('message', (task: CheckTask) => parentPort?.postMessage(explore(task)));
