/** The job of `ptfrag check`: which scenarios and mutants, and the document that comes of them. */
import { rmSync } from 'node:fs';
import { UsageError } from '../base/errors.js';
import { CATALOGUE, scenarioNamed } from '../model/catalogue.js';
import { type Mode, replay } from '../model/check.js';
import type { Mutant } from '../model/mutant.js';
import { MUTANTS } from '../model/mutants.js';
import { formatReplay } from '../model/report.js';
import type { Scenario } from '../model/scenario.js';
import { type PoolTask, runPool } from './check-pool.js';
import type { CheckAnswer } from './check-worker.js';
import { plantMutant } from './plant.js';

export interface CheckRequest {
  /** Empty: the catalogue. */
  readonly scenarios: readonly string[];
  readonly schedule: string | null;
  readonly mode: Mode;
  readonly stepsMax: number | null;
  readonly mutants: boolean;
  /** The large scenarios too. */
  readonly large: boolean;
  readonly jobs: number;
  readonly shard: { readonly index: number; readonly count: number } | null;
}

export interface ScenarioRow {
  readonly name: string;
  readonly design: string;
  readonly rules: readonly string[];
  readonly verdict: CheckAnswer['verdict'];
  readonly complete: boolean;
  readonly bound: string | null;
  readonly executions: number;
  readonly redundant: number;
  readonly steps: number;
  readonly seconds: number;
  readonly mustSee: CheckAnswer['mustSee'];
  readonly failure: { rule: string; detail: string; schedule: string } | null;
  readonly report: readonly string[];
}

export interface MutantRow {
  readonly name: string;
  readonly about: string;
  readonly scenario: string;
  readonly caught: boolean;
  readonly rule: string | null;
  readonly schedule: string | null;
  readonly steps: number;
  readonly report: readonly string[];
}

export interface CheckDocument {
  readonly command: 'check';
  readonly verdict: 'holds' | 'violated' | 'inconclusive';
  readonly ok: boolean;
  readonly scenarios: readonly ScenarioRow[];
  readonly mutants: readonly MutantRow[];
}

export interface CheckWatch {
  readonly signal: AbortSignal;
  readonly onSoFar: (document: CheckDocument) => void;
  readonly onProgress: (what: string, fraction: number) => void;
}

/** Explores what is asked for. Throws `UsageError` for an unknown scenario or a bad schedule. */
export async function runCheck(request: CheckRequest, watch: CheckWatch): Promise<CheckDocument> {
  if (request.schedule !== null) return replaySchedule(request, request.schedule);
  const scenarios = choose(request);
  const mutants = request.mutants ? chooseMutants(request, scenarios) : [];
  const rows: ScenarioRow[] = [];
  const mutantRows: MutantRow[] = [];
  const planted = mutants.map((mutant) => ({ mutant, ...plantMutant(mutant) }));
  const { mode, stepsMax } = request;
  const options = { mode, ...(stepsMax === null ? {} : { stepsMax }) };
  const tasks: PoolTask[] = [
    ...scenarios.map(({ name }) => ({ task: { scenario: name, options } })),
    ...planted.map(({ mutant, worker }) => ({
      task: { scenario: mutant.scenario, options: {} },
      worker,
    })),
  ];
  let done = 0;
  try {
    await runPool(tasks, {
      jobs: request.jobs,
      signal: watch.signal,
      onAnswer: (index, answer) => {
        const mutant = planted[index - scenarios.length]?.mutant;
        if (mutant === undefined) rows.push(rowOf(answer));
        else mutantRows.push(mutantRowOf(mutant, answer));
        done++;
        watch.onSoFar(documentOf(rows, mutantRows));
        watch.onProgress(`${done} of ${tasks.length}`, done / tasks.length);
      },
    });
  } finally {
    for (const { folder } of planted) rmSync(folder, { recursive: true, force: true });
  }
  return documentOf(rows, mutantRows);
}

function choose({ scenarios, large, shard }: CheckRequest): Scenario[] {
  const named = scenarios.map(scenarioNamed);
  const all = named.length > 0 ? named : CATALOGUE.filter((each) => large || each.large !== true);
  return all.filter((_, index) => shard === null || index % shard.count === shard.index);
}

function chooseMutants({ scenarios, shard }: CheckRequest, chosen: readonly Scenario[]): Mutant[] {
  const names = new Set(chosen.map(({ name }) => name));
  const all = scenarios.length > 0 ? MUTANTS.filter((each) => names.has(each.scenario)) : MUTANTS;
  return all.filter((_, index) => shard === null || index % shard.count === shard.index);
}

function rowOf({ scenario, failure, ...answer }: CheckAnswer): ScenarioRow {
  const short =
    failure === null
      ? null
      : { rule: failure.rule, detail: failure.detail, schedule: failure.schedule };
  return { name: scenario, ...answer, failure: short };
}

function mutantRowOf({ name, about, scenario }: Mutant, answer: CheckAnswer): MutantRow {
  const { failure, report } = answer;
  return {
    name,
    about,
    scenario,
    caught: failure !== null,
    rule: failure?.rule ?? null,
    schedule: failure?.schedule ?? null,
    steps: failure?.steps.length ?? 0,
    report,
  };
}

function documentOf(
  scenarios: readonly ScenarioRow[],
  mutants: readonly MutantRow[],
): CheckDocument {
  const verdicts = scenarios.map(({ verdict }) => verdict);
  const violated = verdicts.includes('violated') || mutants.some(({ caught }) => !caught);
  const verdict = violated
    ? 'violated'
    : verdicts.includes('inconclusive')
      ? 'inconclusive'
      : 'holds';
  const rows = { scenarios: scenarios.slice(), mutants: mutants.slice() };
  return { command: 'check', verdict, ok: verdict === 'holds', ...rows };
}

/** One schedule of one scenario: what it shows is the report, whether it fails or not. */
function replaySchedule({ scenarios }: CheckRequest, schedule: string): CheckDocument {
  const [name, ...rest] = scenarios;
  if (name === undefined || rest.length > 0) {
    throw new UsageError('one-scenario', 'a schedule belongs to one scenario: name just that one');
  }
  const scenario = scenarioNamed(name);
  const begin = performance.now();
  const { steps, finding } = replay(scenario, schedule);
  const row: ScenarioRow = {
    name,
    design: 'common',
    rules: scenario.rules,
    verdict: finding === null ? 'inconclusive' : 'violated',
    complete: false,
    bound: 'one schedule',
    executions: 1,
    redundant: 0,
    steps: steps.length,
    seconds: (performance.now() - begin) / 1000,
    mustSee: { seen: [], missing: [] },
    failure: finding === null ? null : { ...finding, schedule },
    report: formatReplay(scenario, { steps, finding }, schedule),
  };
  return documentOf([row], []);
}
