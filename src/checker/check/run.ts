/** The job of `ptfrag check`: which scenarios and mutants, and the document that comes of them. */
import { UsageError } from '../../core/base/errors.js';
import { type CheckOptions, replay } from '../model/check.js';
import type { Mode } from '../model/mode.js';
import type { Mutant } from '../model/mutant.js';
import type { Scenario } from '../model/scenario.js';
import { CATALOGUE, designOf, noneNamed, scenarioNamed } from '../proof/catalogue.js';
import { MUTANTS } from '../proof/mutants.js';
import {
  type CheckDocument,
  type CheckScope,
  checkDocument,
  countSteps,
  type MutantRow,
  mutantRow,
  type ScenarioRow,
  type Shard,
  scenarioRow,
} from './document.js';
import { joinParts } from './parts.js';
import { markOfBuild } from './plant.js';
import { type PoolTask, runPool } from './pool.js';
import type { CheckAnswer } from './worker.js';

export interface CheckRequest {
  /** Empty: the catalogue. */
  readonly scenarios: readonly string[];
  /** Only what is explored of that core; null: of all. */
  readonly design: string | null;
  readonly schedule: string | null;
  readonly mode: Mode;
  readonly stepsMax: number | null;
  /** The mutants of the scenarios too. */
  readonly mutants: boolean;
  /** Only the mutant of that name. */
  readonly mutant: string | null;
  /** The large scenarios too. */
  readonly large: boolean;
  readonly jobs: number;
  /** The folder for copies of the build, one of each mutant; whoever names it removes it. */
  readonly copies: string;
  readonly shard: Shard | null;
}

export interface CheckWatch {
  readonly signal: AbortSignal;
  /**
   * Called with a document of no row, then with one of each row alone in the order in which rows
   * are ready; those of mutants once all scenarios are there.
   */
  readonly onPart: (part: CheckDocument) => void;
  readonly onProgress: (what: string, fraction: number) => void;
}

/** Explores what is asked for. Throws `UsageError` for an unknown scenario or a bad schedule. */
export async function runCheck(request: CheckRequest, watch: CheckWatch): Promise<CheckDocument> {
  if (request.mutant !== null && (request.scenarios.length > 0 || request.schedule !== null)) {
    throw new UsageError('mutant-alone', 'a mutant has a scenario of its own: name no other');
  }
  if (request.schedule !== null) return replaySchedule(request, request.schedule);
  const chosen = choose(request);
  const [scenarios, mutants] = [dealt(chosen.scenarios, request), dealt(chosen.mutants, request)];
  const scope = scopeOf(request, chosen.scenarios.length, chosen.mutants.length);
  const tasks = tasksOf(request, scenarios, mutants);
  const rows = new Rows(scope, scenarios.length, watch.onPart);
  let answered = 0;
  await runPool(tasks, {
    jobs: request.jobs,
    copies: request.copies,
    signal: watch.signal,
    onAnswer: (task, answer) => {
      rows.add(task, answer);
      answered++;
      watch.onProgress(`${answered} of ${tasks.length}`, answered / tasks.length);
    },
  });
  return checkDocument(scope, inOrder(scenarios, rows.scenarios), inOrder(mutants, rows.mutants));
}

function tasksOf(
  { mode, stepsMax, jobs }: CheckRequest,
  scenarios: readonly Scenario[],
  mutants: readonly Mutant[],
): PoolTask[] {
  const options = { mode, stepsMax: stepsMax ?? undefined };
  return [
    ...scenarios.flatMap((scenario) => partsOf(scenario, options, jobs)),
    // A bound that is good enough for a scenario may be too small to catch a mutant.
    ...mutants.map((mutant) => ({ task: { scenario: mutant.scenario, options: {} }, mutant })),
  ];
}

/** A large scenario is explored by all threads, each a part of it. */
function partsOf({ name, large }: Scenario, options: CheckOptions, jobs: number): PoolTask[] {
  const isWhole = large !== true || options.mode?.kind !== 'exhaustive' || jobs === 1;
  if (isWhole) return [{ task: { scenario: name, options } }];
  const part = (index: number): CheckOptions => ({ ...options, part: { index, count: jobs } });
  return Array.from({ length: jobs }, (_, at) => ({ task: { scenario: name, options: part(at) } }));
}

/** The rows that there are so far, and what is told of each. */
class Rows {
  readonly scenarios: ScenarioRow[] = [];
  readonly mutants: MutantRow[] = [];
  /** Of each scenario the answers that there are. */
  private readonly parts = new Map<string, readonly CheckAnswer[]>();
  private readonly scope: CheckScope;
  private readonly scenariosAsked: number;
  private readonly tell: CheckWatch['onPart'];
  /** Of the mutants' rows, how many were told. */
  private mutantsTold = 0;

  constructor(scope: CheckScope, scenariosAsked: number, tell: CheckWatch['onPart']) {
    this.scope = scope;
    this.scenariosAsked = scenariosAsked;
    this.tell = tell;
    tell(checkDocument(scope, [], []));
  }

  /** Adds the row of an answer, or keeps it until all parts of its scenario are there. */
  add({ task, mutant }: PoolTask, answer: CheckAnswer): void {
    if (mutant === undefined) this.addPart(answer, task.options.part?.count ?? 1);
    else this.mutants.push(mutantRow(mutant, answer));
    if (this.scenarios.length === this.scenariosAsked) this.tellMutants();
  }

  private addPart(answer: CheckAnswer, count: number): void {
    const parts = [...(this.parts.get(answer.scenario) ?? []), answer];
    this.parts.set(answer.scenario, parts);
    if (parts.length < count) return;
    this.addScenario(scenarioRow(count === 1 ? answer : joinParts(parts)));
  }

  private addScenario(row: ScenarioRow): void {
    this.scenarios.push(row);
    this.tell(checkDocument(this.scope, [row], []));
  }

  private tellMutants(): void {
    for (; this.mutantsTold < this.mutants.length; this.mutantsTold++) {
      const row = this.mutants[this.mutantsTold] as MutantRow;
      this.tell(checkDocument(this.scope, [], [row]));
    }
  }
}

/** Which scenarios, and which mutants. */
export type CheckChoice = Pick<
  CheckRequest,
  'scenarios' | 'design' | 'mutants' | 'mutant' | 'large'
>;

/** What is asked for, over all shards. */
export function choose(request: CheckChoice): { scenarios: Scenario[]; mutants: Mutant[] } {
  const { large } = request;
  if (request.mutant !== null) return { scenarios: [], mutants: [mutantNamed(request.mutant)] };
  const design = request.design ?? undefined;
  const named = request.scenarios.map((name) => scenarioNamed(name, design));
  const ofDesign = CATALOGUE.filter((each) => design === undefined || designOf(each) === design);
  const names = new Set((named.length > 0 ? named : ofDesign).map(({ name }) => name));
  const mutants = MUTANTS.filter(({ scenario }) => names.has(scenario));
  const all = ofDesign.filter((each) => large || each.large !== true);
  return { scenarios: named.length > 0 ? named : all, mutants: request.mutants ? mutants : [] };
}

/** Of these, the shard's: each shard gets one in turn. */
function dealt<Each>(all: readonly Each[], { shard }: CheckRequest): Each[] {
  return all.filter((_, at) => shard === null || at % shard.count === shard.index - 1);
}

function scopeOf(request: CheckRequest, scenarios: number, mutants: number): CheckScope {
  const { jobs: _, copies: __, shard, ...options } = request;
  return { build: markOfBuild(), options, asked: { scenarios, mutants }, shard, missing: [] };
}

/** Throws `UsageError` that lists what there is. */
export function mutantNamed(name: string): Mutant {
  const found = MUTANTS.find((mutant) => mutant.name === name);
  if (found !== undefined) return found;
  throw new UsageError('no-such-mutant', noneNamed('mutant', name, MUTANTS));
}

/** Threads answer in any order; a document has the catalogue's. */
function inOrder<Row extends { readonly name: string }>(
  asked: readonly { readonly name: string }[],
  rows: readonly Row[],
): Row[] {
  const place = new Map(asked.map(({ name }, index) => [name, index]));
  return rows.toSorted((a, b) => (place.get(a.name) ?? 0) - (place.get(b.name) ?? 0));
}

/** One schedule of one scenario: what it shows is the report, whether it fails or not. */
function replaySchedule(request: CheckRequest, schedule: string): CheckDocument {
  const [name, ...rest] = request.scenarios;
  if (name === undefined || rest.length > 0) {
    throw new UsageError('one-scenario', 'a schedule belongs to one scenario: name just that one');
  }
  const scenario = scenarioNamed(name, request.design ?? undefined);
  const begin = performance.now();
  const { interleaving, failure } = replay(scenario, schedule);
  const row: ScenarioRow = {
    name: scenario.name,
    design: designOf(scenario),
    rules: scenario.rules,
    verdict: failure === null ? 'inconclusive' : 'violated',
    complete: false,
    bound: 'one schedule',
    executions: 1,
    redundant: 0,
    dismissed: 0,
    steps: countSteps(interleaving),
    states: null,
    seconds: (performance.now() - begin) / 1000,
    mustSee: { seen: [], missing: [] },
    failure,
    replayed: failure === null ? interleaving : null,
  };
  return checkDocument(scopeOf(request, 1, 0), [row], []);
}
