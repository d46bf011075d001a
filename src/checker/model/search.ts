/**
 * Exploring every state that can be reached, each once: for programs in which many executions lead
 * to few states, as where threads wait for each other's locks, and for loops that have no end.
 *
 * Depth first, all threads from each state, and back where the state was met before (identity.ts).
 * Nothing is left out for being independent: which states there are does not depend on that. Races
 * are found as in any execution; what the clocks know is part of the state.
 *
 * When all is done, executions that are drawn at random are run without going back anywhere. Each
 * of their states must have been met. If one was not, two states were taken for one that are not
 * the same (local.ts): they are told apart, and all begins anew.
 */
import { Prng } from '../../core/base/prng.js';
import { lowestIn, threadsIn } from './bits.js';
import { type Ending, endingOf } from './ending.js';
import type { Exploration, Step } from './explore.js';
import { Graph } from './graph.js';
import { Identity } from './identity.js';
import { LocalStates } from './local.js';
import type { Machine } from './machine.js';
import type { Scenario } from './scenario.js';
import { STATUS } from './state.js';
import { walk } from './walk.js';

export interface SearchOptions {
  readonly stepsMax: number;
  readonly statesMax: number;
  /** Called now and then with how many states were met. */
  readonly onStates?: ((states: number) => void) | undefined;
  /** Called at each end that is a state of its own; return true to stop. */
  readonly onEnd: (ending: Ending, steps: () => Step[]) => boolean;
}

export interface Search extends Exploration {
  /** Which state leads to which. */
  readonly graph: Graph;
  /** The threads of the steps to the end at which it was stopped; null: it was not. */
  readonly way: readonly number[] | null;
}

/** Executions that are drawn when all is done, and steps of each and of all. */
const DRAWN_MIN = 200;
const DRAWN_MAX = 1_000;
const DRAWN_STEPS_MAX = 2_000;

/** For how many steps, in the mean, one thread may go on in an execution that is drawn. */
const PATIENCE_MAX = 24;

/** For each state, steps of all that are drawn; and bounds of that. */
const DRAWN_STEPS_A_STATE = 20;
const ALL_DRAWN_STEPS_MIN = 4_000;
const ALL_DRAWN_STEPS_MAX = 40_000;

/** States between two calls of `onStates`. */
const PROGRESS_STATES = 4_096;

/** How often two places that were taken for one may be told apart. */
const RESTARTS_MAX = 40;

/** A state that is on the way to the newest one. */
interface Frame {
  mark: number;
  id: number;
  /** Threads that are still to make a step from here, as bits. */
  open: number;
  thread: number;
  row: number;
  found: number;
}

/** To be called where nobody has made a step. */
export function search(scenario: Scenario, machine: Machine, options: SearchOptions): Search {
  const locals = new LocalStates(scenario, machine);
  let steps = 0;
  for (let restarts = 0; ; restarts++) {
    machine.restart();
    locals.restart();
    const { hasDozed } = machine.sleepers;
    const searcher = new Searcher(scenario, machine, locals, options, steps);
    const done = searcher.run();
    steps = done.steps;
    const mustBeginAnew = locals.mustBeginAnew || hasDozed !== machine.sleepers.hasDozed;
    const isOver = searcher.stopped || steps >= options.stepsMax || restarts === RESTARTS_MAX;
    if (!mustBeginAnew || isOver) return { ...done, complete: done.complete && !mustBeginAnew };
  }
}

class Searcher {
  /** Whether an end was one to stop at. */
  stopped = false;
  private readonly machine: Machine;
  private readonly locals: LocalStates;
  private readonly options: SearchOptions;
  private readonly identity: Identity;
  private readonly graph: Graph;
  /** The number of each state that was met. */
  private readonly met = new Map<string, number>();
  private readonly frames: Frame[] = [];
  private depth = 0;
  private executions = 0;
  private dismissed = 0;
  private steps: number;
  private isTooLong = false;

  constructor(
    scenario: Scenario,
    machine: Machine,
    locals: LocalStates,
    options: SearchOptions,
    steps: number,
  ) {
    this.machine = machine;
    this.locals = locals;
    this.options = options;
    this.steps = steps;
    this.identity = new Identity(machine, locals, scenario.ghostWords ?? 0);
    this.graph = new Graph(machine.threads);
  }

  run(): Search {
    this.enter();
    while (this.depth > 0 && this.mayGoOn()) {
      const frame = this.frames[this.depth - 1] as Frame;
      if (frame.open === 0) this.depth--;
      else this.take(frame);
    }
    const isWhole = this.depth === 0 && this.mayGoOn();
    const complete = isWhole && this.locals.areClosed() && this.hasMetAll();
    const { executions, dismissed, steps, graph, isTooLong, met } = this;
    const bound = complete || isTooLong ? null : this.bound();
    const counts = { executions, dismissed, redundant: 0, steps, states: met.size, bound };
    const way = this.stopped && this.depth > 0 ? this.wayToEnd() : null;
    return { ...counts, complete, isTooLong, graph, way };
  }

  /** Why not all was explored. */
  private bound(): string | null {
    if (this.stopped) return null;
    const { stepsMax, statesMax } = this.options;
    if (this.met.size >= statesMax) return `states: ${statesMax} of them`;
    if (this.steps >= stepsMax) return `states: ${stepsMax} steps`;
    return 'states: a loop carries something from round to round that was not understood';
  }

  private mayGoOn(): boolean {
    const { stepsMax, statesMax } = this.options;
    if (this.stopped || this.isTooLong || this.locals.mustBeginAnew) return false;
    return this.steps < stepsMax && this.met.size < statesMax;
  }

  /** Makes one step from the newest state. */
  private take(frame: Frame): void {
    const { machine } = this;
    const thread = this.next(frame);
    frame.open &= ~(1 << thread);
    machine.restore(frame.mark, this.depth - 1);
    frame.thread = thread;
    frame.row = machine.wakesItself(thread) ? -1 : machine.nextRow(thread);
    machine.perform(thread);
    frame.found = machine.found;
    this.steps++;
    this.enter();
  }

  /** The thread that made the step to here if it can go on: that is the cheapest. */
  private next({ open }: Frame): number {
    const running = this.depth < 2 ? -1 : (this.frames[this.depth - 2] as Frame).thread;
    if (running >= 0 && (open & (1 << running)) !== 0) return running;
    return lowestIn(open);
  }

  /** The state that the machine is in: new, met before, or an end. */
  private enter(): void {
    if (this.machine.thrown !== null) this.end();
    else {
      const key = this.identity.now();
      if (!this.locals.mustBeginAnew) this.enterState(key);
    }
  }

  private enterState(key: string): void {
    const known = this.met.get(key);
    const id = known ?? this.met.size;
    this.noteEdge(id);
    if (known !== undefined) return;
    this.met.set(key, id);
    if (id % PROGRESS_STATES === 0) this.options.onStates?.(id);
    const open = this.machine.sleepers.enabledThreads();
    this.graph.addState(id, open, this.ended());
    if (open === 0) this.end();
    else this.push(id, open);
  }

  private noteEdge(to: number): void {
    if (this.depth === 0) return;
    const { id, thread } = this.frames[this.depth - 1] as Frame;
    this.graph.addStep(id, to, thread, this.machine.returned);
  }

  private push(id: number, open: number): void {
    const mark = this.machine.mark();
    if (this.depth === this.frames.length) {
      this.frames.push({ mark, id, open, thread: -1, row: -1, found: 0 });
    } else Object.assign(this.frames[this.depth] as Frame, { mark, id, open, thread: -1 });
    this.depth++;
  }

  /** The threads that have ended; where one has assumed what is not so, nothing counts: all. */
  private ended(): number {
    const { sleepers, threads } = this.machine;
    if (this.machine.sleepers.hasDismissed()) return -1;
    let ended = 0;
    for (let thread = 0; thread < threads; thread++) {
      const status = sleepers.status(thread);
      if (status === STATUS.done || status === STATUS.dead) ended |= 1 << thread;
    }
    return ended;
  }

  private end(): void {
    const ending = endingOf(this.machine);
    if (ending.kind === 'cut') this.isTooLong = true;
    else if (ending.kind === 'dismissed') this.dismissed++;
    else {
      this.executions++;
      this.stopped = this.options.onEnd(ending, () => this.trace());
    }
  }

  private trace(): Step[] {
    return this.frames.slice(0, this.depth).map(({ thread, row, found }) => {
      const access = row < 0 ? null : (this.machine.logs[thread]?.access(row) ?? null);
      return { thread, access, found };
    });
  }

  /** The shortest way that is known to the end at which the search stopped. */
  private wayToEnd(): number[] {
    const { id, thread } = this.frames[this.depth - 1] as Frame;
    const way = this.graph.way(0, (state) => state === id) ?? [];
    return [...way.map((step) => this.graph.by[step] as number), thread];
  }

  /** Whether executions that are drawn at random lead to no state that was not met. */
  private hasMetAll(): boolean {
    const prng = new Prng(1);
    // What is compared with nothing else is another state each time that it is there.
    if (!this.locals.assumesAny || this.locals.hasOpaque) return true;
    const most = Math.max(this.met.size * DRAWN_STEPS_A_STATE, ALL_DRAWN_STEPS_MIN);
    const last = this.steps + Math.min(most, ALL_DRAWN_STEPS_MAX);
    const count = Math.min(Math.max(this.met.size, DRAWN_MIN), DRAWN_MAX);
    for (let drawn = 0; drawn < count && this.steps < last; drawn++) {
      if (!this.hasMetDrawn(prng)) return false;
    }
    return true;
  }

  private hasMetDrawn(prng: Prng): boolean {
    const { machine, locals } = this;
    const way: number[] = [];
    machine.restart();
    // All take turns, or one thread is let go on for a while.
    const patience = prng.below(2) === 0 ? 1 : 1 + prng.below(PATIENCE_MAX);
    for (let thread = -1; way.length < DRAWN_STEPS_MAX; ) {
      const enabled = machine.sleepers.enabledThreads();
      if (enabled === 0 || machine.thrown !== null) return true;
      const threads = threadsIn(enabled);
      const goesOn = threads.includes(thread) && prng.below(patience) !== 0;
      if (!goesOn) thread = threads[prng.below(threads.length)] as number;
      machine.perform(thread);
      way.push(thread);
      this.steps++;
      // A failure that the search did not come to is one all the same.
      if (machine.thrown !== null) return this.judgeDrawn(way);
      const hasMet = this.met.has(this.identity.now());
      if (locals.mustBeginAnew) return false;
      if (hasMet) continue;
      locals.tellAllApart();
      return false;
    }
    return true;
  }

  /** Judges an execution that was drawn, and threw; true: it only made too many accesses. */
  private judgeDrawn(way: readonly number[]): boolean {
    const ending = endingOf(this.machine);
    if (ending.kind === 'cut') return true;
    this.machine.restart();
    const steps = walk(this.machine, way);
    this.stopped = this.options.onEnd(ending, () => steps);
    return false;
  }
}
