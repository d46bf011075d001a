/**
 * Running a scenario in one mode up to its first failure; and making a failure short, by a search
 * for the same with few preemptions.
 */
import { UsageError } from '../../core/base/errors.js';
import { Prng } from '../../core/base/prng.js';
import { shown } from '../../core/base/shown.js';
import { hiddenIn } from './confirm.js';
import { type Ending, endingOf } from './ending.js';
import { type Exploration, explore, type Step } from './explore.js';
import { keptOut } from './kept-out.js';
import { sample } from './sample.js';
import type { Scenario } from './scenario.js';
import { type Search, search } from './search.js';
import { type Found, Stagehand } from './stagehand.js';
import { walk } from './walk.js';

/**
 * How to explore. All but `exhaustive`, `states` and `naive` are bounded, and say so. `exhaustive`
 * is by reduction, and where that takes long or a loop has no end, by states: see search.ts.
 */
export type Mode =
  | { readonly kind: 'exhaustive' }
  | { readonly kind: 'states' }
  | { readonly kind: 'naive' }
  | { readonly kind: 'bounded'; readonly preemptions: number }
  | { readonly kind: 'random'; readonly seed: number; readonly executions: number }
  | {
      readonly kind: 'pct';
      readonly seed: number;
      readonly executions: number;
      readonly depth: number;
    };

/** Steps that looking for a shorter schedule may take, and preemptions that are tried. */
const SHORTEN_STEPS_MAX = 2_000_000;
const SHORTEN_PREEMPTIONS_MAX = 4;

/** Throws `UsageError` for a mode that would explore nothing, or is none. */
export function requireMode(mode: Mode): void {
  const refuse = (what: string): never => {
    throw new UsageError('bad-mode', `${textOf(mode)} is no mode: ${what}`);
  };
  const whole = (value: unknown, least: number, name: string): void => {
    if (!Number.isInteger(value) || Number(value) < least) {
      refuse(`${name} is a whole number from ${least}`);
    }
  };
  const kinds = ['exhaustive', 'states', 'naive', 'bounded', 'random', 'pct'];
  const oneOf = `its kind is one of ${kinds.join(', ')}`;
  if (typeof mode !== 'object' || mode === null) refuse(oneOf);
  if (!kinds.includes(mode.kind)) refuse(oneOf);
  if (mode.kind === 'bounded') whole(mode.preemptions, 0, 'preemptions');
  if (mode.kind === 'pct') whole(mode.depth, 1, 'depth');
  if (mode.kind !== 'random' && mode.kind !== 'pct') return;
  whole(mode.executions, 1, 'executions');
  whole(mode.seed, 0, 'seed');
}

/** A bigint has no text in JSON. */
function textOf(mode: Mode): string {
  const text = JSON.stringify(mode, (_, value: unknown) =>
    typeof value === 'bigint' ? shown(value) : value,
  );
  return text ?? shown(mode);
}

/** What whoever waits is told, and how it stops the check. */
export interface Watch {
  /**
   * Stops it: `check` throws the signal's reason. It is synchronous, so nothing but `onProgress`
   * can abort meanwhile.
   */
  readonly signal?: AbortSignal | undefined;
  /** Called now and then with how many executions were explored to their end. */
  readonly onProgress?: ((progress: CheckProgress) => void) | undefined;
}

/** How far a check has got. */
export interface CheckProgress {
  readonly executions: number;
}

/** Executions between two calls of `onProgress`, and looks at the signal. */
const PROGRESS_EXECUTIONS = 256;

export interface Run {
  readonly done: Exploration;
  readonly seen: ReadonlySet<string>;
  readonly found: Found | null;
}

/** Runs a scenario with its early returns shared out in each way, up to the first failure. */
export function run(
  scenario: Scenario,
  mode: Mode,
  stepsMax: number,
  watch: Watch & { readonly starvation?: boolean | undefined } = {},
): Run {
  watch.signal?.throwIfAborted();
  const { threads, earlyReturns = 0 } = scenario;
  const isSampled = mode.kind === 'random' || mode.kind === 'pct';
  // Samples are drawn from executions in which everybody may return early.
  const shares = isSampled ? [undefined] : shareEarlyReturns(threads, earlyReturns);
  const seen = new Set<string>();
  let done: Exploration | null = null;
  for (const early of shares) {
    const stagehand = new Stagehand(scenario, early, seen);
    const judge = new Judge(scenario, stagehand, watch, done?.executions ?? 0);
    const needsStates = watch.starvation === true || stagehand.setup.forEver !== undefined;
    const next = runOnce(judge, mode, stepsMax - (done?.steps ?? 0), needsStates);
    done = done === null ? next : addUp(done, next);
    const { found } = stagehand;
    if (found !== null || !next.complete) return { done, seen, found };
  }
  return { done: done as Exploration, seen, found: null };
}

function addUp(a: Exploration, b: Exploration): Exploration {
  return {
    complete: a.complete && b.complete,
    executions: a.executions + b.executions,
    redundant: a.redundant + b.redundant,
    dismissed: a.dismissed + b.dismissed,
    steps: a.steps + b.steps,
    isTooLong: a.isTooLong || b.isTooLong,
    states: a.states === null || b.states === null ? null : a.states + b.states,
  };
}

/** Steps after which exploring by states is tried, and what that may take. */
const REDUCED_STEPS_MAX = 5_000_000;
const SEARCH_STEPS_MAX = 3_000_000;
const SEARCH_STATES_MAX = 1_000_000;

function runOnce(judge: Judge, mode: Mode, stepsMax: number, needsStates: boolean): Exploration {
  const { machine } = judge.stagehand;
  const onEnd = (ending: Ending, steps: () => Step[]): boolean => judge.isOver(ending, steps);
  if (needsStates) requireStates(judge.scenario, mode);
  else if (mode.kind === 'exhaustive') return runWhole(judge, stepsMax);
  if (mode.kind === 'states' || needsStates) return searchStates(judge, stepsMax, STATES_MAX);
  if (mode.kind === 'random' || mode.kind === 'pct') {
    const depth = mode.kind === 'pct' ? mode.depth : null;
    return sample(machine, new Prng(mode.seed), { ...mode, depth, stepsMax, onEnd });
  }
  const preemptionsMax = mode.kind === 'bounded' ? mode.preemptions : undefined;
  return explore(machine, { reduce: false, preemptionsMax, stepsMax, onEnd });
}

/** States that are kept: their map has no room for more. */
const STATES_MAX = 2 ** 24 - 1;

/** Explores all there is, in the way that ends. */
function runWhole(judge: Judge, stepsMax: number): Exploration {
  const first = reduce(judge, Math.min(stepsMax, REDUCED_STEPS_MAX));
  const left = stepsMax - first.steps;
  if (first.complete || judge.isFound || left <= 0) return first;
  const second = searchStates(judge, Math.min(left, SEARCH_STEPS_MAX), SEARCH_STATES_MAX);
  const steps = first.steps + second.steps;
  if (second.complete || judge.isFound) return { ...second, steps };
  if (first.isTooLong || steps >= stepsMax) return { ...first, steps };
  judge.stagehand.machine.restart();
  const third = reduce(judge, stepsMax - steps);
  return { ...third, steps: steps + third.steps };
}

function reduce(judge: Judge, stepsMax: number): Exploration {
  const onEnd = (ending: Ending, steps: () => Step[]): boolean => judge.isOver(ending, steps);
  return explore(judge.stagehand.machine, { reduce: true, stepsMax, onEnd });
}

function searchStates(judge: Judge, stepsMax: number, statesMax: number): Exploration {
  const onEnd = (ending: Ending, steps: () => Step[]): boolean => judge.isOver(ending, steps);
  const done = search(judge.scenario, judge.stagehand.machine, { stepsMax, statesMax, onEnd });
  if (done.complete) judge.askWhoIsKeptOut(done);
  else if (done.way !== null) judge.shorten(done.way);
  return done;
}

/** Throws `UsageError` for a mode that can't tell who is kept out for ever, or has no end. */
function requireStates({ name }: Scenario, { kind }: Mode): void {
  if (kind === 'exhaustive' || kind === 'states') return;
  const why = 'threads that go on for ever, and starvation, need mode states or exhaustive';
  throw new UsageError('bad-mode', `${name}: ${kind} is no mode for it: ${why}`);
}

/** Of executions that break no rule, the first, the 256th and so on are done again. */
const CONFIRM_RATIO = 256;

/** Judges executions; some of those that break no rule twice: see confirm.ts. */
class Judge {
  readonly stagehand: Stagehand;
  readonly scenario: Scenario;
  private readonly watch: Watch & { readonly starvation?: boolean | undefined };
  /** Executions of explorations before this one. */
  private readonly before: number;
  private executions = 0;
  private nextConfirmed = 1;

  constructor(scenario: Scenario, stagehand: Stagehand, watch: Watch, before: number) {
    this.scenario = scenario;
    this.stagehand = stagehand;
    this.watch = watch;
    this.before = before;
  }

  get isFound(): boolean {
    return this.stagehand.found !== null;
  }

  isOver(ending: Ending, steps: () => Step[]): boolean {
    const { scenario, stagehand } = this;
    if (stagehand.judge(ending, steps)) return true;
    this.executions++;
    if (this.executions % PROGRESS_EXECUTIONS === 0) this.tell();
    if (this.executions < this.nextConfirmed) return false;
    this.nextConfirmed *= CONFIRM_RATIO;
    stagehand.found = hiddenIn(scenario, stagehand, steps());
    return stagehand.found !== null;
  }

  /** After a search that has met all states. */
  askWhoIsKeptOut(done: Search): void {
    if (this.isFound) return;
    this.stagehand.found = keptOut(this.scenario, done, this.watch.starvation === true);
  }

  /** A shorter way to the end that was found. */
  shorten(way: readonly number[]): void {
    const { stagehand } = this;
    const { machine, found } = stagehand;
    if (found === null) return;
    machine.restart();
    const steps = walk(machine, way);
    const isSame = endingOf(machine).kind === 'failed' || machine.sleepers.enabledThreads() === 0;
    if (isSame) stagehand.found = { ...found, steps };
    // Else two states were taken for one that are not the same.
    else {
      machine.restart();
      walk(
        machine,
        found.steps.map(({ thread }) => thread),
      );
    }
  }

  private tell(): void {
    const { onProgress, signal } = this.watch;
    onProgress?.({ executions: this.before + this.executions });
    signal?.throwIfAborted();
  }
}

/** A failure with the fewest preemptions; null if a bounded search does not find any. */
export function findShort(scenario: Scenario): Found | null {
  for (let preemptions = 0; preemptions <= SHORTEN_PREEMPTIONS_MAX; preemptions++) {
    const { done, found } = run(scenario, { kind: 'bounded', preemptions }, SHORTEN_STEPS_MAX);
    if (found !== null) return found;
    if (done.steps >= SHORTEN_STEPS_MAX) return null;
  }
  return null;
}

/**
 * All ways to share out `total` early returns or fewer, the fewest first.
 *
 * Early returns: the seam lets `awaitChange` return for no reason, and a caller that does not look
 * again is wrong. A scenario says how many early returns an execution may have in all.
 *
 * An early return is a step of its own, which takes the thread off its word's list of sleepers. Who
 * it takes off makes a difference to a `notify` of that word, and to nothing else: that is what it
 * depends on (access.ts). It would depend on other early returns too if they shared one allowance,
 * for the last to be had would be taken by one thread from another. So they are
 * shared out to the threads before an exploration, and all ways to share out so many or fewer are
 * explored.
 *
 * Fewer too, because a thread that still has one uses it rather than sleep for ever: that it gets
 * stuck after two early returns is found where it has two.
 *
 * A `notify` that wakes a thread takes its early return away, so no race with that is ever in the
 * execution to be seen. Instead the thread is tried in the state before the `notify`, where it
 * could have returned: Explorer.settle.
 */
function shareEarlyReturns(threads: number, total: number): readonly (readonly number[])[] {
  const shares: number[][] = [];
  for (let sum = 0; sum <= total; sum++) shares.push(...shareAll(threads, sum));
  return shares;
}

/** All ways to share out exactly `sum`. */
function shareAll(threads: number, sum: number): number[][] {
  if (threads === 1) return [[sum]];
  return Array.from({ length: sum + 1 }, (_, own) =>
    shareAll(threads - 1, sum - own).map((others) => [own, ...others]),
  ).flat();
}
