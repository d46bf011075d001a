/**
 * Checking a scenario: explore it, judge each execution, and make what fails short and repeatable.
 */
import { UsageError } from '../../core/base/errors.js';
import { Prng } from '../../core/base/prng.js';
import type { Word } from '../../core/base/units.js';
import { dealEarlyReturns } from './early.js';
import { type Ending, endingOf } from './ending.js';
import { type Exploration, explore, type Step } from './explore.js';
import { Machine } from './machine.js';
import { sample } from './sample.js';
import type { Finding, Scenario, Setup, Stage } from './scenario.js';
import { formatSchedule, markOf, parseSchedule } from './schedule.js';

/** How to explore. All but `exhaustive` are bounded, and say so. */
export type Mode =
  | { readonly kind: 'exhaustive' }
  | { readonly kind: 'naive' }
  | { readonly kind: 'bounded'; readonly preemptions: number }
  | { readonly kind: 'random'; readonly seed: number; readonly executions: number }
  | {
      readonly kind: 'pct';
      readonly seed: number;
      readonly executions: number;
      readonly depth: number;
    };

export interface CheckOptions {
  readonly mode?: Mode;
  readonly stepsMax?: number;
  /** Do not look for a schedule with fewer switches. */
  readonly keepSchedule?: boolean;
}

export interface Failure {
  readonly rule: string;
  readonly detail: string;
  readonly schedule: string;
  readonly steps: readonly Step[];
}

export interface CheckResult {
  readonly scenario: string;
  readonly verdict: 'holds' | 'violated' | 'inconclusive';
  /** Whether every interleaving was covered. */
  readonly complete: boolean;
  readonly bound: string | null;
  readonly executions: number;
  readonly redundant: number;
  /** Executions that do not count: see `Stage.assume`. Absent: none. */
  readonly dismissed: number;
  readonly steps: number;
  readonly mustSee: { readonly seen: readonly string[]; readonly missing: readonly string[] };
  readonly failure: Failure | null;
}

const STEPS_MAX = 50_000_000;

/** Steps that looking for a shorter schedule may take, and preemptions that are tried. */
const SHORTEN_STEPS_MAX = 2_000_000;
const SHORTEN_PREEMPTIONS_MAX = 4;

/** A scenario that is set up, ready to be explored. */
export class Stagehand {
  readonly machine: Machine;
  readonly setup: Setup;
  readonly seen: Set<string>;
  failure: { finding: Finding; steps: Step[] } | null = null;

  /** Without `early` each thread may return early as often as the scenario lets all of them. */
  constructor(scenario: Scenario, early?: readonly number[], seen: Set<string> = new Set()) {
    this.seen = seen;
    const { words, threads, ghostWords = 0, earlyReturns = 0 } = scenario;
    const all = Array.from({ length: threads }, () => earlyReturns);
    this.machine = new Machine({ words, threads, ghostWords, early: early ?? all });
    const stage: Stage = {
      memory: this.machine.memory,
      ghost: {
        get: (index) => this.machine.state.getGhost(index),
        set: (index, value) => this.machine.state.setGhost(index, value),
      },
      see: (what) => this.seen.add(what),
      assume: (condition) => this.machine.assume(condition),
    };
    this.setup = scenario.setup(stage);
    if (this.setup.threads.length !== threads) {
      const found = this.setup.threads.length;
      throw new UsageError(
        'bad-scenario',
        `${scenario.name}: ${threads} threads said, ${found} made`,
      );
    }
    this.machine.begin(this.setup.threads, this.setup.onReturn);
  }

  /** Judges the end of an execution; true: a rule was broken, stop here. */
  judge(ending: Ending, steps: () => Step[]): boolean {
    const finding = this.find(ending);
    if (finding === null) return false;
    this.failure = { finding, steps: steps() };
    return true;
  }

  private find(ending: Ending): Finding | null {
    if (ending.kind === 'failed') return findingOf(ending.error, this.nameOf(ending.thread));
    if (ending.kind === 'dismissed') return null;
    if (ending.kind === 'stuck') {
      const who = ending.threads.map((thread) => this.nameOf(thread)).join(' and ');
      return { rule: 'progress', detail: `${who} would wait for ever` };
    }
    const results = this.setup.threads.map((_, thread) => this.machine.resultsOf(thread));
    try {
      return this.setup.atEnd?.(results)[0] ?? null;
    } catch (error) {
      return findingOf(error, 'at the end');
    }
  }

  nameOf(thread: number): string {
    return this.setup.threadNames?.[thread] ?? `thread ${thread}`;
  }
}

function findingOf(error: unknown, where: string): Finding {
  const { name = 'Error', message = String(error) } = Object(error) as Error;
  const rule = (Object(error) as { rule?: string }).rule ?? name;
  return { rule, detail: `${where}: ${message}` };
}

/**
 * A schedule leads to the same again only if setting up does, each time: looks whether two times
 * give the same memory and first accesses. Throws `UsageError` if not.
 */
function requireSameSetup(scenario: Scenario): void {
  const first = new Stagehand(scenario);
  const second = new Stagehand(scenario);
  const refuse = (what: string, one: unknown, two: unknown): never => {
    const found = `${what} is ${JSON.stringify(one)} once, and then ${JSON.stringify(two)}`;
    const cause = 'it depends on something outside, or changes it';
    throw new UsageError('bad-scenario', `${scenario.name}: set up twice, ${found}: ${cause}`);
  };
  for (let word = 0; word < scenario.words; word++) {
    const [one, two] = [first.machine.state.view(word), second.machine.state.view(word)];
    if (one !== two) refuse(first.setup.nameWord?.(word as Word) ?? `word ${word}`, one, two);
  }
  for (let index = 0; index < (scenario.ghostWords ?? 0); index++) {
    const [one, two] = [first.machine.state.getGhost(index), second.machine.state.getGhost(index)];
    if (one !== two) refuse(`ghost word ${index}`, one, two);
  }
  for (let thread = 0; thread < scenario.threads; thread++) {
    const [one, two] = [first, second].map(({ machine }) =>
      machine.enabled(thread) ? machine.nextAccess(thread) : null,
    );
    if (JSON.stringify(one) !== JSON.stringify(two)) {
      refuse(`the first access of ${first.nameOf(thread)}`, one, two);
    }
  }
}

/** Explores a scenario. A mustSee that was never seen makes a complete exploration a failure. */
export function check(scenario: Scenario, options: CheckOptions = {}): CheckResult {
  const mode = options.mode ?? { kind: 'exhaustive' };
  requireSameSetup(scenario);
  const { done, seen, failed } = runDeals(scenario, mode, options.stepsMax ?? STEPS_MAX);
  const missing = scenario.mustSee.filter((what) => !seen.has(what));
  const failure = failed === null ? null : report(scenario, failed, options);
  const isWhole = done.complete && (mode.kind === 'exhaustive' || mode.kind === 'naive');
  const vacuous = isWhole && failure === null && missing.length > 0;
  return {
    scenario: scenario.name,
    verdict:
      failure !== null || vacuous
        ? 'violated'
        : isWhole || done.complete
          ? 'holds'
          : 'inconclusive',
    complete: isWhole,
    bound: boundOf(mode, done),
    executions: done.executions,
    redundant: done.redundant,
    dismissed: done.dismissed,
    steps: done.steps,
    mustSee: { seen: [...seen].sort(), missing },
    failure: vacuous ? vacuousFailure(missing) : failure,
  };
}

interface Run {
  readonly done: Exploration;
  readonly seen: ReadonlySet<string>;
  readonly failed: Stagehand['failure'];
}

/** Runs a scenario with its early returns dealt out in each way, up to the first failure. */
function runDeals(scenario: Scenario, mode: Mode, stepsMax: number): Run {
  const { threads, earlyReturns = 0 } = scenario;
  const isSampled = mode.kind === 'random' || mode.kind === 'pct';
  // Samples are drawn from executions in which everybody may return early.
  const deals = isSampled ? [undefined] : dealEarlyReturns(threads, earlyReturns);
  const seen = new Set<string>();
  let done: Exploration | null = null;
  for (const early of deals) {
    const hand = new Stagehand(scenario, early, seen);
    const next = run(hand, mode, stepsMax - (done?.steps ?? 0));
    done = done === null ? next : addUp(done, next);
    if (hand.failure !== null || !next.complete) return { done, seen, failed: hand.failure };
  }
  return { done: done as Exploration, seen, failed: null };
}

function addUp(a: Exploration, b: Exploration): Exploration {
  return {
    complete: a.complete && b.complete,
    executions: a.executions + b.executions,
    redundant: a.redundant + b.redundant,
    dismissed: a.dismissed + b.dismissed,
    steps: a.steps + b.steps,
  };
}

function run(hand: Stagehand, mode: Mode, stepsMax: number): Exploration {
  const onEnd = (ending: Ending, steps: () => Step[]): boolean => hand.judge(ending, steps);
  if (mode.kind === 'random' || mode.kind === 'pct') {
    const depth = mode.kind === 'pct' ? mode.depth : null;
    return sample(hand.machine, new Prng(mode.seed), { ...mode, depth, stepsMax, onEnd });
  }
  const preemptionsMax = mode.kind === 'bounded' ? mode.preemptions : undefined;
  return explore(hand.machine, {
    reduce: mode.kind === 'exhaustive',
    preemptionsMax,
    stepsMax,
    onEnd,
  });
}

function boundOf(mode: Mode, done: Exploration): string | null {
  if (!done.complete) return `${done.steps} steps`;
  if (mode.kind === 'bounded') return `${mode.preemptions} preemptions`;
  if (mode.kind === 'random') return `${mode.executions} random executions, seed ${mode.seed}`;
  if (mode.kind === 'pct') {
    return `${mode.executions} executions, depth ${mode.depth}, seed ${mode.seed}`;
  }
  return null;
}

/** The failure, with the fewest preemptions that a bounded search finds. */
function report(
  scenario: Scenario,
  found: NonNullable<Stagehand['failure']>,
  options: CheckOptions,
): Failure {
  const short = options.keepSchedule === true ? null : shorten(scenario);
  const { finding, steps } = short ?? found;
  return { ...finding, schedule: formatSchedule(steps), steps };
}

function shorten(scenario: Scenario): Stagehand['failure'] {
  for (let preemptions = 0; preemptions <= SHORTEN_PREEMPTIONS_MAX; preemptions++) {
    const mode: Mode = { kind: 'bounded', preemptions };
    const { done, failed } = runDeals(scenario, mode, SHORTEN_STEPS_MAX);
    if (failed !== null) return failed;
    if (done.steps >= SHORTEN_STEPS_MAX) return null;
  }
  return null;
}

function vacuousFailure(missing: readonly string[]): Failure {
  const detail = `never seen: ${missing.join(', ')}`;
  return { rule: 'vacuous', detail, schedule: '', steps: [] };
}

/** What a schedule leads to. */
export interface Replay {
  readonly steps: readonly Step[];
  readonly finding: Finding | null;
}

/**
 * Runs one schedule. Throws `UsageError` for one that can't be followed: it was made for another
 * scenario, or the code has changed since.
 */
export function replay(scenario: Scenario, text: string): Replay {
  const schedule = parseSchedule(text);
  requireSameSetup(scenario);
  const hand = new Stagehand(scenario);
  const { machine } = hand;
  const steps: Step[] = [];
  const stale = (why: string): UsageError =>
    new UsageError(
      'stale-schedule',
      `${scenario.name}: ${why}; the code or the scenario has changed`,
    );
  for (const thread of schedule.threads) {
    const able = machine.thrown === null && thread < machine.threads && machine.enabled(thread);
    if (!able) throw stale(`thread ${thread} can't make step ${steps.length + 1}`);
    const access = machine.nextAccess(thread);
    machine.perform(thread);
    steps.push({ thread, access, found: machine.found });
  }
  if (markOf(steps) !== schedule.mark) throw stale(`the steps' mark is ${markOf(steps)}`);
  // A schedule that stops before anything has ended says nothing.
  const isOver =
    machine.thrown !== null || !hand.setup.threads.some((_, thread) => machine.enabled(thread));
  if (isOver) hand.judge(endingOf(machine), () => steps);
  return { steps, finding: hand.failure?.finding ?? null };
}
