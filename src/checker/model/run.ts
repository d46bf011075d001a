/**
 * Running a scenario in one mode up to its first failure; and making a failure short, by a search
 * for the same with few preemptions.
 */
import { UsageError } from '../../core/base/errors.js';
import { Prng } from '../../core/base/prng.js';
import { shareEarlyReturns } from './early.js';
import { type Exploration, Exploring, explore, type Part } from './explore.js';
import { OPERATION_ACCESSES_MAX } from './faults.js';
import { Judge, type Watch } from './judging.js';
import type { Mode } from './mode.js';
import { sample } from './sample.js';
import type { Scenario } from './scenario.js';
import { search } from './search.js';
import { type Found, Stagehand } from './stagehand.js';

/** What is run, beside the scenario. */
export interface RunOptions {
  readonly mode: Mode;
  readonly stepsMax: number;
  /** Only this part of all executions, where the mode is `exhaustive`. */
  readonly part?: Part | undefined;
  /** Whether to ask who could be kept out for ever. */
  readonly starvation?: boolean | undefined;
}

export interface Run {
  readonly done: Exploration;
  readonly seen: ReadonlySet<string>;
  readonly found: Found | null;
}

/** Runs a scenario with its early returns shared out in each way, up to the first failure. */
export function run(scenario: Scenario, options: RunOptions, watch: Watch = {}): Run {
  watch.signal?.throwIfAborted();
  const { threads, earlyReturns = 0 } = scenario;
  const { mode } = options;
  const isSampled = mode.kind === 'random' || mode.kind === 'pct';
  // Samples are drawn from executions in which everybody may return early.
  const shares = isSampled ? [undefined] : shareEarlyReturns(threads, earlyReturns);
  const seen = new Set<string>();
  let done: Exploration | null = null;
  for (const early of shares) {
    const before = done?.executions ?? 0;
    const makeJudge = (): Judge =>
      new Judge(scenario, new Stagehand(scenario, early, seen), watch, before);
    const runner = new Runner(makeJudge, options, options.stepsMax - (done?.steps ?? 0));
    const next = runner.run();
    done = done === null ? next : addUp(done, next);
    const found = runner.found();
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
    bound: a.bound ?? b.bound,
    states: a.states === null || b.states === null ? null : a.states + b.states,
  };
}

/** States that are kept: they and what leads from one to another take about 1 GB. */
const STATES_MAX = 2_000_000;

/**
 * Up to how many steps to reduce before states are searched, and how many steps that may take. Each
 * goes on in its turn as long as neither has come to an end: what one takes that is not the right
 * one for the scenario is a small part of what the other takes.
 */
const TURNS: readonly (readonly [reduced: number, searched: number])[] = [
  [3_000_000, 300_000],
  [12_000_000, 2_000_000],
];

/** Where operations are too long to be followed, the reduction has no end. */
const SEARCHED_MAX = 5_000_000;

/** One way to share out early returns. */
class Runner {
  private readonly makeJudge: () => Judge;
  private readonly judges: Judge[] = [];
  private readonly options: RunOptions;
  private readonly stepsMax: number;

  constructor(makeJudge: () => Judge, options: RunOptions, stepsMax: number) {
    this.makeJudge = makeJudge;
    this.options = options;
    this.stepsMax = stepsMax;
  }

  found(): Found | null {
    return (
      this.judges.map(({ stagehand }) => stagehand.found).find((each) => each !== null) ?? null
    );
  }

  /** On a machine of its own each. */
  private judge(): Judge {
    const judge = this.makeJudge();
    this.judges.push(judge);
    return judge;
  }

  run(): Exploration {
    const { stepsMax } = this;
    const { mode, starvation } = this.options;
    const judge = this.judge();
    const needsStates = starvation === true || judge.stagehand.setup.forEver !== undefined;
    if (needsStates) requireStates(judge.scenario, mode);
    if (mode.kind === 'states' || needsStates) return this.search(judge, stepsMax);
    if (mode.kind === 'exhaustive') return this.runWhole(judge);
    const { machine } = judge.stagehand;
    const { onEnd } = judge;
    if (mode.kind === 'random' || mode.kind === 'pct') {
      const depth = mode.kind === 'pct' ? mode.depth : null;
      return sample(machine, new Prng(mode.seed), { ...mode, depth, stepsMax, onEnd });
    }
    const preemptionsMax = mode.kind === 'bounded' ? mode.preemptions : undefined;
    return explore(machine, { reduce: false, preemptionsMax, stepsMax, onEnd });
  }

  /** Explores all there is, in the way that ends. */
  private runWhole(judge: Judge): Exploration {
    const { part } = this.options;
    const { onEnd, stagehand } = judge;
    const exploring = new Exploring(stagehand.machine, { reduce: true, part, onEnd });
    let searched = 0;
    for (const [reducedMax, searchedMax] of TURNS) {
      const reduced = exploring.upTo(Math.min(this.stepsMax - searched, reducedMax));
      const steps = reduced.steps + searched;
      if (reduced.complete || judge.isFound || steps >= this.stepsMax) return { ...reduced, steps };
      // A search has no parts: it would be made by each.
      if (part !== undefined && !reduced.isTooLong) continue;
      const most = reduced.isTooLong ? SEARCHED_MAX : searchedMax;
      const states = this.search(this.judge(), Math.min(this.stepsMax - steps, most));
      searched += states.steps;
      const all = { steps: reduced.steps + searched };
      if (states.complete || this.found() !== null) return { ...states, ...all };
      if (reduced.isTooLong) return { ...reduced, ...all, bound: bothBounds(states) };
    }
    const last = exploring.upTo(this.stepsMax - searched);
    return { ...last, steps: last.steps + searched };
  }

  private search(judge: Judge, stepsMax: number): Exploration {
    const { scenario, stagehand, onEnd, onStates } = judge;
    const options = { stepsMax, statesMax: STATES_MAX, onEnd, onStates };
    const done = search(scenario, stagehand.machine, options);
    if (done.complete) return judge.askWhoIsKeptOut(done, this.options.starvation === true);
    if (done.way !== null) judge.shorten(done.way);
    return done;
  }
}

function bothBounds({ bound }: Exploration): string {
  const reduction = `${OPERATION_ACCESSES_MAX} accesses of one operation (X8)`;
  return bound === null ? reduction : `reduction: ${reduction}; ${bound}`;
}

/** Throws `UsageError` for a mode that can't tell who is kept out for ever, or has no end. */
function requireStates({ name }: Scenario, { kind }: Mode): void {
  if (kind === 'exhaustive' || kind === 'states') return;
  const why = 'threads that go on for ever, and starvation, need mode states or exhaustive';
  throw new UsageError('bad-mode', `${name}: ${kind} is no mode for it: ${why}`);
}

/** Steps that looking for a shorter schedule may take, and preemptions that are tried. */
const SHORTEN_STEPS_MAX = 2_000_000;
const SHORTEN_PREEMPTIONS_MAX = 4;

/** A failure with the fewest preemptions; null if a bounded search does not find any. */
export function findShort(scenario: Scenario): Found | null {
  for (let preemptions = 0; preemptions <= SHORTEN_PREEMPTIONS_MAX; preemptions++) {
    const mode = { kind: 'bounded', preemptions } as const;
    const { done, found } = run(scenario, { mode, stepsMax: SHORTEN_STEPS_MAX });
    if (found !== null) return found;
    if (done.steps >= SHORTEN_STEPS_MAX) return null;
  }
  return null;
}
