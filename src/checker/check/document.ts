/** What `ptfrag check` found, as data: a row a scenario, a row a mutant, and the verdict. */

import type { Failure, Interleaving } from '../model/interleaving.js';
import type { Mutant } from '../model/mutant.js';
import type { CheckAnswer } from './worker.js';

export interface ScenarioRow {
  readonly name: string;
  readonly design: string;
  readonly rules: readonly string[];
  readonly verdict: CheckAnswer['verdict'];
  readonly complete: boolean;
  readonly bound: string | null;
  readonly executions: number;
  readonly redundant: number;
  readonly dismissed: number;
  readonly steps: number;
  /** How many states, where each was explored once; else null. */
  readonly states: number | null;
  readonly seconds: number;
  readonly mustSee: CheckAnswer['mustSee'];
  readonly failure: Failure | null;
  /** Of a schedule that was replayed and broke no rule: what was done. Null: of nothing else. */
  readonly replayed: Interleaving | null;
}

export interface MutantRow {
  readonly name: string;
  readonly about: string;
  readonly scenario: string;
  readonly caught: boolean;
  /** Whether all of the scenario was explored; of one that is caught, false. */
  readonly complete: boolean;
  readonly rule: string | null;
  /** Of those that were looked for, the one with the fewest switches; and how many steps it has. */
  readonly schedule: string | null;
  readonly steps: number;
  readonly seconds: number;
  /** How it is caught. */
  readonly failure: Failure | null;
}

/** One of `count` parts of a check, counted from 1. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** What a document is of. Shards of one check agree in all but `shard`. */
export interface CheckScope {
  /** A mark of the code that was explored, scenarios and mutants included. */
  readonly build: string;
  /** What was asked, but for what changes no result. */
  readonly options: object;
  /** How much that is, over all shards. */
  readonly asked: { readonly scenarios: number; readonly mutants: number };
  readonly shard: Shard | null;
  /** What a merged document lacks, in words. */
  readonly missing: readonly string[];
}

export interface CheckDocument extends CheckScope {
  readonly command: 'check';
  readonly verdict: CheckAnswer['verdict'];
  readonly ok: boolean;
  readonly scenarios: readonly ScenarioRow[];
  readonly mutants: readonly MutantRow[];
}

export function scenarioRow({ scenario, ...answer }: CheckAnswer): ScenarioRow {
  return { name: scenario, ...answer, replayed: null };
}

/** Steps of a schedule: plain accesses are none. */
export function countSteps({ steps }: Interleaving): number {
  return steps.filter(({ isPlain }) => !isPlain).length;
}

/**
 * A scenario that is only vacuous with the mutant, or code that is no program, breaks no rule; nor
 * does a patch that does not apply.
 */
const NOT_CAUGHT = /^(vacuous|mutant|ReferenceError|SyntaxError|TypeError)$/;

export function mutantRow({ name, about, scenario }: Mutant, answer: CheckAnswer): MutantRow {
  const { failure, complete, seconds } = answer;
  return {
    name,
    about,
    scenario,
    caught: failure !== null && !NOT_CAUGHT.test(failure.rule),
    // Of a patch that does not apply nothing more can be found out.
    complete: complete || failure?.rule === 'mutant',
    rule: failure?.rule ?? null,
    schedule: failure?.schedule ?? null,
    steps: failure === null ? 0 : countSteps(failure),
    seconds,
    failure,
  };
}

export function checkDocument(
  scope: CheckScope,
  scenarios: readonly ScenarioRow[],
  mutants: readonly MutantRow[],
): CheckDocument {
  const found = verdictOn(scenarios, mutants);
  const verdict = found === 'holds' && scope.missing.length > 0 ? 'inconclusive' : found;
  return { command: 'check', verdict, ok: verdict === 'holds', ...scope, scenarios, mutants };
}

export function formatShard({ index, count }: Shard): string {
  return `${index}/${count}`;
}

/** What was not explored to its end says nothing, unless something was found on the way. */
function verdictOn(
  scenarios: readonly ScenarioRow[],
  mutants: readonly MutantRow[],
): CheckDocument['verdict'] {
  const verdicts = new Set(scenarios.map(({ verdict }) => verdict));
  const survivors = mutants.filter(({ caught }) => !caught);
  if (verdicts.has('violated') || survivors.some(({ complete }) => complete)) return 'violated';
  return verdicts.has('inconclusive') || survivors.length > 0 ? 'inconclusive' : 'holds';
}
