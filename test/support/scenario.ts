/** A scenario of which only the words, the threads and what they do are of interest. */
import type { Scenario, Setup, Stage } from '#src/checker/model/scenario.js';

export function scenarioOf(
  words: number,
  threads: number,
  setup: (stage: Stage) => Setup,
  more: Partial<Scenario> = {},
): Scenario {
  return { name: 'scenario', about: '', rules: [], words, threads, setup, ...more };
}

/** Options of `check`: by states. */
export const STATES = { mode: { kind: 'states' } } as const;
