/**
 * Checking a scenario: explore it, judge each execution, and make what fails short and repeatable;
 * or follow one schedule of it.
 */
import { UsageError } from '../../core/base/errors.js';
import { cheatIn, confirmed } from './confirm.js';
import { endingOf } from './ending.js';
import type { Exploration, Part, Step } from './explore.js';
import { OPERATION_ACCESSES_MAX } from './faults.js';
import { type Failure, type Interleaving, nameWord, tell } from './interleaving.js';
import { requireCheckOptions, requireScenario } from './judge.js';
import type { Watch } from './judging.js';
import { keptOutBy } from './kept-out.js';
import { type Mode, requireMode } from './mode.js';
import { findShort, run } from './run.js';
import type { Scenario } from './scenario.js';
import { formatSchedule, markOf, parseSchedule, type Schedule } from './schedule.js';
import { type Found, requireSameSetup, SetupError, Stagehand, type Wrong } from './stagehand.js';
import { STATUS } from './state.js';

/** How much of a scenario `check` explores, and what it does with a failure. */
export interface CheckOptions extends Watch {
  readonly mode?: Mode | undefined;
  readonly stepsMax?: number | undefined;
  /**
   * Explore only this part of all executions: `count` calls with the same options, on several
   * threads, explore all. Where the scenario's `onReturn` or `always` look or note anything, each
   * part is all of it. Nothing is said to be vacuous: who puts the parts together must look. Only
   * for mode `exhaustive`.
   */
  readonly part?: Part | undefined;
  /** Ask too whether a thread could be kept out for ever: see `starvation` in laps.ts. */
  readonly starvation?: boolean | undefined;
  /** Do not look for a schedule with fewer switches. */
  readonly keepSchedule?: boolean | undefined;
}

/** What came out of exploring a scenario, and how much was explored. */
export interface CheckResult {
  readonly scenario: string;
  readonly verdict: 'holds' | 'violated' | 'inconclusive';
  /** Whether every interleaving was covered. */
  readonly complete: boolean;
  readonly bound: string | null;
  readonly executions: number;
  readonly redundant: number;
  /** Executions that do not count: see `Stage.assume`. */
  readonly dismissed: number;
  readonly steps: number;
  /** How many states there are, where each was explored once: see `Mode`. Else null. */
  readonly states: number | null;
  readonly mustSee: { readonly seen: readonly string[]; readonly missing: readonly string[] };
  readonly failure: Failure | null;
}

const STEPS_MAX = 50_000_000;

/**
 * Explores a scenario. A mustSee that was never seen makes a complete exploration a failure, and so
 * does a set-up that throws. Throws `UsageError` for a scenario that contradicts itself, and for a
 * mode that would explore nothing.
 */
export function check(scenario: Scenario, options: CheckOptions = {}): CheckResult {
  requireScenario(scenario);
  requireCheckOptions(options);
  if (options.mode !== undefined) requireMode(options.mode);
  try {
    requireSameSetup(scenario);
    return explored(scenario, options);
  } catch (error) {
    const { rule, detail, stack = null } = findingOfSetup(error);
    return notExplored(scenario, rule, detail, stack);
  }
}

/** Throws again whatever is no failure of setting up. */
function findingOfSetup(error: unknown): Wrong {
  if (error instanceof SetupError) return error.finding;
  throw error;
}

function explored(scenario: Scenario, options: CheckOptions): CheckResult {
  const { mode = { kind: 'exhaustive' }, stepsMax = STEPS_MAX, part, starvation } = options;
  const { done, seen, found } = run(scenario, { mode, stepsMax, part, starvation }, options);
  const missing = (scenario.mustSee ?? []).filter((what) => !seen.has(what));
  const isWhole = done.complete && isForAll(mode);
  const isVacuous = isWhole && part === undefined && found === null && missing.length > 0;
  const failure =
    found === null ? null : tellFound(confirmed(scenario, shorter(scenario, found, options)));
  return {
    scenario: scenario.name,
    verdict: verdictOn(found !== null || isVacuous, isWhole || done.complete),
    complete: isWhole,
    bound: boundOf(mode, done),
    executions: done.executions,
    redundant: done.redundant,
    dismissed: done.dismissed,
    steps: done.steps,
    states: done.states,
    mustSee: { seen: [...seen].sort(), missing },
    failure: isVacuous ? vacuous(missing) : failure,
  };
}

function isForAll({ kind }: Mode): boolean {
  return kind === 'exhaustive' || kind === 'states' || kind === 'naive';
}

function verdictOn(failed: boolean, ended: boolean): CheckResult['verdict'] {
  if (failed) return 'violated';
  return ended ? 'holds' : 'inconclusive';
}

/** The result for a scenario that failed before any thread could run. */
export function notExplored(
  { name, mustSee = [] }: Scenario,
  rule: string,
  detail: string,
  stack: string | null = null,
): CheckResult {
  return {
    scenario: name,
    verdict: 'violated',
    complete: false,
    bound: null,
    executions: 0,
    redundant: 0,
    dismissed: 0,
    steps: 0,
    states: null,
    mustSee: { seen: [], missing: mustSee },
    failure: withoutSteps(rule, detail, stack),
  };
}

/** The failure of a scenario that was explored whole and did not see all that it must. */
export function vacuous(missing: readonly string[]): Failure {
  return withoutSteps('vacuous', `never seen: ${missing.join(', ')}`);
}

function withoutSteps(rule: string, detail: string, stack: string | null = null): Failure {
  const nothing = { schedule: '', threads: [], steps: [], brokenAt: null, againFrom: null };
  return { rule, detail, thread: null, word: null, stack, ...nothing };
}

function boundOf(mode: Mode, done: Exploration): string | null {
  if (done.bound !== null && !done.complete) return done.bound;
  if (done.isTooLong) return `${OPERATION_ACCESSES_MAX} accesses of one operation (X8)`;
  if (!done.complete) return `${done.steps} steps`;
  if (mode.kind === 'bounded') return `${mode.preemptions} preemptions`;
  if (mode.kind === 'random') return `${mode.executions} random executions, seed ${mode.seed}`;
  if (mode.kind === 'pct') {
    return `${mode.executions} executions, depth ${mode.depth}, seed ${mode.seed}`;
  }
  return null;
}

/** The failure, with the fewest preemptions that a bounded search finds. */
function shorter(scenario: Scenario, first: Found, options: CheckOptions): Found {
  // What was found by states is short already, and threads that go on for ever have no bound.
  const { forEver } = first.stagehand.setup;
  const isKept =
    options.keepSchedule === true || first.lapSteps !== undefined || forEver !== undefined;
  const short = isKept ? null : findShort(scenario);
  return short ?? first;
}

/** What a schedule leads to. */
export interface Replay {
  readonly interleaving: Interleaving;
  readonly failure: Failure | null;
}

/**
 * Runs one schedule. Throws `UsageError` for one that can't be followed: it was made for another
 * scenario, or the code has changed since.
 */
export function replay(scenario: Scenario, text: string): Replay {
  requireScenario(scenario);
  const schedule = parseSchedule(text);
  try {
    requireSameSetup(scenario);
    return replayed(scenario, text, schedule);
  } catch (error) {
    const { rule, detail, stack = null } = findingOfSetup(error);
    const failure = withoutSteps(rule, detail, stack);
    return { interleaving: failure, failure };
  }
}

function replayed(scenario: Scenario, text: string, schedule: Schedule): Replay {
  const stagehand = new Stagehand(scenario);
  const steps = follow(stagehand, scenario.name, schedule);
  const found =
    stagehand.found === null
      ? (cheatIn(scenario, stagehand, steps) ?? lapOf(scenario, stagehand, schedule))
      : confirmed(scenario, stagehand.found);
  if (found === null) {
    const interleaving = tell(stagehand, text, schedule.threads, null);
    return { interleaving, failure: null };
  }
  const failure = tellFound(found);
  return { interleaving: failure, failure };
}

/** What is wrong with a schedule that ends where it was before, and could go on. */
function lapOf(scenario: Scenario, stagehand: Stagehand, { threads }: Schedule): Found | null {
  const { machine } = stagehand;
  const canGoOn = stagehand.setup.threads.some((_, thread) => machine.enabled(thread));
  return machine.thrown === null && canGoOn ? keptOutBy(scenario, threads) : null;
}

/** Follows a schedule to its end, and judges that. */
function follow(stagehand: Stagehand, name: string, schedule: Schedule): Step[] {
  const { machine } = stagehand;
  const steps: Step[] = [];
  const stale = (why: string): UsageError =>
    new UsageError('stale-schedule', `${name}: ${why}; the code or the scenario has changed`);
  for (const thread of schedule.threads) {
    const able = machine.thrown === null && thread < machine.threads && machine.enabled(thread);
    if (!able) throw stale(`thread ${thread} can't make step ${steps.length + 1}`);
    const access = machine.nextAccess(thread);
    machine.perform(thread);
    steps.push({ thread, access, found: machine.found });
  }
  if (markOf(steps) !== schedule.mark) throw stale(`the steps' mark is ${markOf(steps)}`);
  // A schedule that stops before anything has ended says nothing. Who sleeps and could only return
  // early had none left where the schedule was made: see early.ts.
  const canGoOn = stagehand.setup.threads.some(
    (_, thread) => machine.enabled(thread) && machine.sleepers.status(thread) !== STATUS.asleep,
  );
  if (machine.thrown !== null || !canGoOn) stagehand.judge(endingOf(machine), () => steps);
  return steps;
}

/** What was found, with its interleaving in names and values. */
function tellFound({ finding, thread, steps, stagehand, lapSteps }: Found): Failure {
  const { rule, detail, word, stack = null } = finding;
  const threads = steps.map((step) => step.thread);
  const told = tell(stagehand, formatSchedule(steps), threads, finding, lapSteps);
  const named = word === undefined ? null : nameWord(stagehand.setup, word);
  return { rule, detail, thread, word: named, stack, ...told };
}
