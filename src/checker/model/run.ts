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
import type { Machine } from './machine.js';
import type { Scenario } from './scenario.js';
import { type Found, Stagehand } from './stagehand.js';

/** How to explore. All but `exhaustive` and `naive` are bounded, and say so. */
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
  const kinds = ['exhaustive', 'naive', 'bounded', 'random', 'pct'];
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
export function run(scenario: Scenario, mode: Mode, stepsMax: number, watch: Watch = {}): Run {
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
    const next = runOnce(judge, mode, stepsMax - (done?.steps ?? 0));
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
  };
}

function runOnce(judge: Judge, mode: Mode, stepsMax: number): Exploration {
  const { machine } = judge.stagehand;
  const onEnd = (ending: Ending, steps: () => Step[]): boolean => judge.isOver(ending, steps);
  if (mode.kind === 'random' || mode.kind === 'pct') {
    const depth = mode.kind === 'pct' ? mode.depth : null;
    return sample(machine, new Prng(mode.seed), { ...mode, depth, stepsMax, onEnd });
  }
  const preemptionsMax = mode.kind === 'bounded' ? mode.preemptions : undefined;
  return explore(machine, { reduce: mode.kind === 'exhaustive', preemptionsMax, stepsMax, onEnd });
}

/** Of executions that break no rule, the first, the 256th and so on are done again. */
const CONFIRM_RATIO = 256;

/** Judges executions; some of those that break no rule twice: see confirm.ts. */
class Judge {
  readonly stagehand: Stagehand;
  private readonly scenario: Scenario;
  private readonly watch: Watch;
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

interface SampleOptions {
  readonly executions: number;
  /** Null: every step's thread at random. */
  readonly depth: number | null;
  readonly stepsMax: number;
  readonly onEnd: (ending: Ending, steps: () => Step[]) => boolean;
}

/** Steps among which PCT places its changes; adapts to the longest execution seen. */
const LENGTH_GUESS = 64;

type Choose = (enabled: readonly number[], step: number) => number;

/**
 * Samples executions where there are too many to explore: at random, or by PCT.
 *
 * PCT (Burckhardt, Kothari, Musuvathi, Nagarakatte, ASPLOS 2010): threads have random priorities,
 * the highest that can goes on, and at `depth - 1` random steps the running thread drops to the
 * lowest. A failure that needs `depth` ordered steps is found with a known probability in each
 * execution.
 */
function sample(machine: Machine, prng: Prng, options: SampleOptions): Exploration {
  const mark = machine.mark();
  let length = LENGTH_GUESS;
  let steps = 0;
  let dismissed = 0;
  const result = (complete: boolean, runs: number): Exploration => {
    return { complete, executions: runs - dismissed, redundant: 0, dismissed, steps };
  };
  for (let run = 0; run < options.executions; run++) {
    if (steps >= options.stepsMax) return result(false, run);
    machine.restore(mark, 0);
    const choose =
      options.depth === null
        ? (enabled: readonly number[]): number => enabled[prng.below(enabled.length)] as number
        : byPriority(machine.threads, options.depth, length, prng);
    const trace = sampleOne(machine, choose);
    steps += trace.length;
    length = Math.max(length, trace.length);
    const ending = endingOf(machine);
    if (ending.kind === 'dismissed') dismissed++;
    else if (options.onEnd(ending, () => trace)) return result(false, run + 1);
  }
  return result(true, options.executions);
}

function sampleOne(machine: Machine, choose: Choose): Step[] {
  const trace: Step[] = [];
  while (machine.thrown === null) {
    const enabled: number[] = [];
    for (let thread = 0; thread < machine.threads; thread++) {
      if (machine.enabled(thread)) enabled.push(thread);
    }
    if (enabled.length === 0) break;
    const thread = choose(enabled, trace.length);
    const access = machine.nextAccess(thread);
    machine.perform(thread);
    trace.push({ thread, access, found: machine.found });
  }
  return trace;
}

function byPriority(threads: number, depth: number, length: number, prng: Prng): Choose {
  const priorities = Array.from({ length: threads }, () => depth + prng.below(1 << 20));
  const changes = new Map<number, number>();
  for (let change = 1; change < depth; change++) changes.set(prng.below(length), change);
  const best = (enabled: readonly number[]): number =>
    enabled.reduce((a, b) => ((priorities[b] as number) > (priorities[a] as number) ? b : a));
  return (enabled, step) => {
    const low = changes.get(step);
    if (low !== undefined) priorities[best(enabled)] = depth - low - 1;
    return best(enabled);
  };
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
