/** All scenarios, by name. */
import { UsageError } from '../base/errors.js';
import type { Scenario } from './scenario.js';
import { FRAG_SCENARIOS } from './scenarios/frag.js';
import { GRACE_SCENARIOS } from './scenarios/grace.js';
import { LOCK_SCENARIOS, SUPPLY_SCENARIOS } from './scenarios/lock.js';
import { MM_SCENARIOS } from './scenarios/mm.js';
import { RCU_SCENARIOS } from './scenarios/rcu.js';
import { READER_SCENARIOS } from './scenarios/reader.js';

export const CATALOGUE: readonly Scenario[] = [
  ...LOCK_SCENARIOS,
  ...SUPPLY_SCENARIOS,
  ...GRACE_SCENARIOS,
  ...RCU_SCENARIOS,
  ...READER_SCENARIOS,
  ...FRAG_SCENARIOS,
  ...MM_SCENARIOS,
];

/** The scenario of that name. Throws `UsageError` that lists all names for another. */
export function scenarioNamed(name: string): Scenario {
  const found = CATALOGUE.find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  const names = CATALOGUE.map((scenario) => scenario.name).join('\n  ');
  throw new UsageError('no-such-scenario', `there is no scenario "${name}"; there are\n  ${names}`);
}
