/**
 * Exploring every interleaving that can be told from another: source-set dynamic partial-order
 * reduction with sleep sets.
 *
 * Abdulla, Aronis, Jonsson, Sagonas, "Optimal dynamic partial order reduction", POPL 2014,
 * algorithm 1. An execution is a sequence of steps; two executions that differ only in the order of
 * independent steps (access.ts) end in the same state and are one Mazurkiewicz trace. At least one
 * execution of each trace is explored:
 *
 *   - When a step races with an earlier one (dependent, and ordered by nothing else), some
 *     execution has them the other way round. The state before the earlier step must then have, in
 *     its backtrack set, some thread that can begin such an execution (an initial of what comes
 *     after, without what depends on the earlier step). If it has none yet, one is added.
 *   - A thread sleeps in a state if what it would begin there was explored from an earlier sibling;
 *     it wakes as soon as a step is done that depends on its own. A state whose enabled threads all
 *     sleep only leads to traces that were explored.
 *
 * Threads that sleep in `awaitChange` have no step of their own until a `notify` has woken them,
 * and that is a step that comes before all of theirs. A napping thread's waking depends on the
 * writes that it looks for.
 */
import { type Access, effectsOf, possibleEffects, READS, WRITES } from './access.js';
import { type Ending, endingOf } from './ending.js';
import { conflicts, dependOn, type Frame, isReady, join } from './frame.js';
import type { Machine } from './machine.js';

export interface Step {
  readonly thread: number;
  readonly access: Access | null;
  readonly found: number;
}

export interface ExploreOptions {
  /** False: every interleaving, for comparison and for the next. */
  readonly reduce: boolean;
  /** Without reduction: how often a thread may be switched away from while it could go on. */
  readonly preemptionsMax?: number | undefined;
  /** Stop after so many steps. */
  readonly stepsMax: number;
  /** Called at the end of each execution; return true to stop exploring. */
  readonly onEnd: (ending: Ending, steps: () => Step[]) => boolean;
}

export interface Exploration {
  /** Whether everything was explored. */
  readonly complete: boolean;
  /** Executions explored to their end: with reduction, one for each trace. */
  readonly executions: number;
  /** Executions that were given up because all that could go on slept. */
  readonly redundant: number;
  readonly steps: number;
}

export function explore(machine: Machine, options: ExploreOptions): Exploration {
  return new Explorer(machine, options).run();
}

class Explorer {
  private readonly machine: Machine;
  private readonly options: ExploreOptions;
  private readonly threads: number;
  private readonly frames: Frame[] = [];
  private executions = 0;
  private redundant = 0;
  private steps = 0;
  /** Whether the newest step was seen to while the machine was still running. */
  private settled = false;

  constructor(machine: Machine, options: ExploreOptions) {
    this.machine = machine;
    this.options = options;
    this.threads = machine.threads;
  }

  run(): Exploration {
    let finished = this.enter(0);
    while (!finished && this.frames.length > 0 && this.steps < this.options.stepsMax) {
      const frame = this.frames.at(-1) as Frame;
      const thread = this.next(frame);
      if (thread < 0) {
        this.frames.pop();
        this.leave();
      } else finished = this.take(frame, thread);
    }
    const complete = this.frames.length === 0 && !finished;
    const { executions, redundant, steps } = this;
    return { complete, executions, redundant, steps };
  }

  /** The thread to explore next from a state, or -1: the one that is running if it may. */
  private next(frame: Frame): number {
    const open = frame.backtrack & ~frame.sleep;
    if (open === 0) return -1;
    const running = this.frames.at(-2)?.thread ?? -1;
    if (running >= 0 && (open & (1 << running)) !== 0) return running;
    return 31 - Math.clz32(open & -open);
  }

  /**
   * Goes on from a state, with one thread for as long as it is the next; true to stop exploring.
   */
  private take(frame: Frame, thread: number): boolean {
    const { machine } = this;
    machine.restore(frame.mark, this.frames.length - 1);
    for (let other = 0; other < this.threads; other++) {
      machine.pending[other] = frame.pending[other] as Access | null;
    }
    this.prepare(frame, thread);
    this.settled = false;
    machine.perform(thread, this.goOn);
    return this.settled ? false : this.settle();
  }

  private prepare(frame: Frame, thread: number): void {
    const access = frame.pending[thread] as Access | null;
    frame.thread = thread;
    frame.access = access;
    frame.news = access === null ? this.machine.newsWords(thread) : null;
    frame.word = access === null ? -1 : access.word;
  }

  /** A step was made: what it was, its races, and the state after it; true to stop exploring. */
  private settle(): boolean {
    const { machine, options } = this;
    const frame = this.frames.at(-1) as Frame;
    this.steps++;
    frame.found = machine.found;
    frame.effects = frame.access === null ? READS : effectsOf(frame.access, machine.found);
    if (options.reduce) this.findRaces(this.frames.length - 1);
    return this.enter(options.reduce ? this.childSleep(frame) : 0);
  }

  /** Asked by the machine when the running thread has come to its next access. */
  private readonly goOn = (thread: number): boolean => {
    const depth = this.frames.length;
    this.settle();
    this.settled = true;
    if (this.frames.length === depth || this.steps >= this.options.stepsMax) return false;
    const frame = this.frames.at(-1) as Frame;
    if (this.next(frame) !== thread) return false;
    this.prepare(frame, thread);
    this.settled = false;
    return true;
  };

  /** A new state: its frame, or the end of an execution. */
  private enter(sleep: number): boolean {
    const { machine, options } = this;
    if (machine.thrown !== null) return this.end(endingOf(machine));
    let enabled = 0;
    for (let thread = 0; thread < this.threads; thread++) {
      if (machine.enabled(thread)) enabled |= 1 << thread;
    }
    if (enabled === 0) return this.end(endingOf(machine));
    const open = enabled & ~sleep;
    if (open === 0) {
      this.redundant++;
      this.leave();
      return false;
    }
    const preemptions = this.countPreemptions(enabled);
    this.frames.push({
      mark: machine.mark(),
      pending: machine.pending.slice(),
      enabled,
      backtrack: options.reduce ? this.firstOf(open) : this.affordable(enabled, preemptions),
      preemptions,
      sleep,
      thread: -1,
      word: -1,
      effects: 0,
      clock: [],
      access: null,
      found: 0,
      news: null,
    });
    return false;
  }

  /** One of some threads, as a bit: the running one if it is among them, which is the cheapest. */
  private firstOf(open: number): number {
    const last = this.frames.at(-1);
    const running = last === undefined ? 0 : open & (1 << last.thread);
    return running !== 0 ? running : open & -open;
  }

  /**
   * Preemptions up to the newest state: the last step's counts if its thread was not the one
   * before.
   */
  private countPreemptions(enabled: number): number {
    const last = this.frames.at(-1);
    const before = this.frames.at(-2);
    if (last === undefined || before === undefined || enabled === 0) return 0;
    const couldGoOn = before.thread !== last.thread && (last.enabled & (1 << before.thread)) !== 0;
    return last.preemptions + (couldGoOn ? 1 : 0);
  }

  /** Threads that may go on from here within the bound on preemptions. */
  private affordable(enabled: number, preemptions: number): number {
    const max = this.options.preemptionsMax ?? Number.POSITIVE_INFINITY;
    const last = this.frames.at(-1);
    if (last === undefined || preemptions < max) return enabled;
    const same = enabled & (1 << last.thread);
    return same === 0 ? enabled : same;
  }

  private end(ending: Ending): boolean {
    this.executions++;
    const stop = this.options.onEnd(ending, () => this.trace());
    this.leave();
    return stop;
  }

  /** The state that the last frame's step led to is done with. */
  private leave(): void {
    const frame = this.frames.at(-1);
    if (frame !== undefined) frame.sleep |= 1 << frame.thread;
  }

  private trace(): Step[] {
    return this.frames.map(({ thread, access, found }) => ({ thread, access, found }));
  }

  /** Who still sleeps after a step: those whose own next step does not depend on it. */
  private childSleep(frame: Frame): number {
    let sleep = 0;
    for (let thread = 0; thread < this.threads; thread++) {
      if ((frame.sleep & (1 << thread)) === 0) continue;
      const access = frame.pending[thread] as Access | null;
      const asleep =
        access === null
          ? (frame.effects & WRITES) === 0
          : !conflicts(frame, access.word, possibleEffects(access));
      if (asleep) sleep |= 1 << thread;
    }
    return sleep;
  }

  /** The clock of the newest step, and the races that it is in. */
  private findRaces(newest: number): void {
    const { frames } = this;
    const frame = frames[newest] as Frame;
    const clock = this.programClock(newest);
    const racing: number[] = [];
    // Backwards, so that what comes before by way of a later dependent step is seen to.
    let known = Math.min(...clock);
    for (let index = newest - 1; index >= known; index--) {
      const earlier = frames[index] as Frame;
      if ((clock[earlier.thread] as number) > index) continue;
      if (!dependOn(earlier, frame)) continue;
      if (earlier.thread !== frame.thread) racing.push(index);
      join(clock, earlier.clock);
      // All steps before the least of the clock come before this one already.
      known = Math.min(...clock);
    }
    const own = clock.slice();
    own[frame.thread] = newest + 1;
    frame.clock = own;
    for (const index of racing) this.reverse(index, newest);
  }

  /** What comes before a thread's next step by program order and by having been woken. */
  private programClock(newest: number): number[] {
    const { frames } = this;
    const { thread } = frames[newest] as Frame;
    const clock = new Array<number>(this.threads).fill(0);
    for (let index = newest - 1; index >= 0; index--) {
      const earlier = frames[index] as Frame;
      if (earlier.thread === thread) {
        join(clock, earlier.clock);
        return clock;
      }
      const next = frames[index + 1] as Frame;
      // Not ready before this step and ready after it: it was woken by it.
      if (!isReady(earlier, thread) && isReady(next, thread)) join(clock, earlier.clock);
    }
    return clock;
  }

  /**
   * Sees to it that from the state before `index` an execution is explored that has `newest` first.
   */
  private reverse(index: number, newest: number): void {
    const { frames } = this;
    const target = frames[index] as Frame;
    const firstOf = new Array<number>(this.threads).fill(-1);
    let initials = 0;
    for (let at = index + 1; at <= newest; at++) {
      const step = frames[at] as Frame;
      const isNewest = at === newest;
      if (!isNewest && (step.clock[target.thread] as number) > index) continue;
      if (firstOf[step.thread] !== -1) continue;
      const clock = step.clock;
      const free = firstOf.every(
        (first, thread) =>
          first < 0 || thread === step.thread || (clock[thread] as number) <= first,
      );
      firstOf[step.thread] = at;
      if (free) initials |= 1 << step.thread;
    }
    initials &= target.enabled;
    if ((initials & target.backtrack) !== 0) return;
    // No initial is enabled only where the step had to be woken by something: then all are tried.
    const wanted = (frames[newest] as Frame).thread;
    if (initials === 0) target.backtrack |= target.enabled;
    else target.backtrack |= (initials & (1 << wanted)) !== 0 ? 1 << wanted : initials & -initials;
  }
}
