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
 *   - A thread is covered in a state if what it would begin there was explored from an earlier
 *     sibling, until a step is done that depends on its own. A state whose enabled threads are all
 *     covered only leads to traces that were explored. (The paper's sleep sets: here a thread that
 *     sleeps is one that waits in `awaitChange`.)
 *
 * Threads that sleep in `awaitChange` have no step of their own until a `notify` has woken them,
 * and that is a step that comes before all of theirs. A dozing thread's waking depends on the
 * writes that it looks for, and so does a `notify` that wakes it: had the write come first, the
 * thread could have woken by itself. Threads may also return early, if the scenario says so:
 * run.ts.
 *
 * States are not cached. A third to three quarters of the states that are entered were met before
 * (eleven scenarios, clocks included, for races are found by them), but to cut there would lose the
 * races between what is cut and the steps before it. A search that keeps every state and reduces
 * nothing is sound, and made from 0.4 times (destroy-vs-alloc+users, three-holders+one-lock) to 4
 * times (callback-vs-callback+one-page) as many steps. A step with a hash of its state costs so
 * much more that it was faster nowhere: at best as fast, and that with the clocks left out of the
 * hash.
 */
import {
  ACCESS,
  ACCESS_KINDS,
  dependent,
  LEAVES,
  NOTIFIES,
  possibleStepEffects,
  stepEffects,
  WRITES,
} from './access.js';
import { lowestIn } from './bits.js';
import { type Ending, endingOf } from './ending.js';
import type { Exploration, ExploreOptions, Step } from './explore.js';
import type { Log } from './log.js';
import { type Footprint, looksDependOn } from './looks.js';
import type { Machine } from './machine.js';
import { notSpinning } from './spin.js';
import { dependsOn, type Frame, killDependsOn, Trail } from './trail.js';

/** For each part, ways to go that are dealt out. */
const WAYS_A_PART = 16;

export class Explorer {
  private readonly machine: Machine;
  private readonly options: ExploreOptions;
  private readonly threads: number;
  private readonly trail: Trail;
  private executions = 0;
  private redundant = 0;
  private dismissed = 0;
  private isTooLong = false;
  private steps: number;
  private stepsMax = 0;
  private isBegun = false;
  /** Whether it ended only because a word is looked at of which the steps before did not know. */
  mustBeginAnew = false;
  /** Steps that each part makes, and ways that were dealt out so far. */
  private readonly commonSteps: number;
  private dealt = 0;
  /** Whether the newest step was seen to while the machine was still running. */
  private settled = false;

  constructor(machine: Machine, options: ExploreOptions, steps: number) {
    this.machine = machine;
    this.options = options;
    this.steps = steps;
    this.threads = machine.threads;
    this.trail = new Trail(machine);
    const { part } = options;
    const ways = part === undefined ? 1 : part.count * WAYS_A_PART;
    this.commonSteps = Math.ceil(Math.log(ways) / Math.log(Math.max(this.threads, 2)));
  }

  /** Goes on until all is explored, or so many steps were made. */
  upTo(stepsMax: number): Exploration {
    this.stepsMax = stepsMax;
    let finished = this.isBegun ? false : this.enter(0);
    this.isBegun = true;
    while (!finished && this.trail.depth > 0 && this.mayMakeSteps()) {
      const frame = this.trail.top();
      const thread = this.next(frame);
      this.trail.unlink();
      if (thread < 0) {
        this.trail.depth--;
        this.leave();
      } else finished = this.take(frame, thread);
    }
    this.mustBeginAnew = !finished && this.options.reduce && !this.machine.looks.isComplete;
    const complete = this.trail.depth === 0 && !finished && !this.mustBeginAnew;
    const { executions, redundant, dismissed, steps, isTooLong } = this;
    const counts = { executions, redundant, dismissed, steps, states: null, bound: null };
    return { ...counts, complete: complete && !isTooLong, isTooLong };
  }

  private mayMakeSteps(): boolean {
    const { reduce } = this.options;
    return this.steps < this.stepsMax && (this.machine.looks.isComplete || !reduce);
  }

  /** The thread to explore next from a state, or -1: the one that is running if it may. */
  private next(frame: Frame): number {
    const open = frame.backtrack & ~frame.covered;
    if (open === 0) return -1;
    const running = this.trail.threadBefore(1);
    if (running >= 0 && (open & (1 << running)) !== 0) return running;
    return lowestIn(open);
  }

  /**
   * Goes on from a state, with one thread for as long as it is the next; true to stop exploring.
   */
  private take(frame: Frame, thread: number): boolean {
    const { machine } = this;
    machine.restore(frame.mark, this.trail.depth - 1);
    this.trail.link(thread);
    this.settled = false;
    machine.perform(thread, this.goOn);
    return this.settled ? false : this.settle();
  }

  /** A step was made: what it was, its races, and the state after it; true to stop exploring. */
  private settle(): boolean {
    const { machine, options } = this;
    const frame = this.trail.top();
    this.steps++;
    frame.found = machine.found;
    frame.effects = LEAVES;
    if (frame.row >= 0) {
      const log = this.trail.logOf(frame);
      frame.effects = stepEffects(log.kind(frame.row), log.a(frame.row), frame.found);
    }
    if (!options.reduce) return this.enter(0);
    const looks = machine.looks.take(this.placeOf(frame), frame.word, frame.effects);
    this.trail.look(looks, machine.sleepers.missed);
    // Who was woken and could have woken by itself is tried before this step: see run.ts.
    frame.backtrack |= machine.sleepers.woken & frame.enabled;
    // So is who was killed: its next step, which was not made, is in no race that could be found.
    if (frame.kills >= 0) frame.backtrack |= (1 << frame.kills) & frame.enabled;
    this.trail.findRaces();
    return this.enter(this.stillCovered(frame));
  }

  /** Which access of which operation a step is, as a number. */
  private placeOf(frame: Frame): number {
    const { thread, operation, row, word } = frame;
    const kind = row < 0 ? 0 : 1 + this.trail.logOf(frame).kind(row);
    return (
      ((operation * this.threads + thread) * (ACCESS_KINDS + 1) + kind) * this.machine.words + word
    );
  }

  /** Asked by the machine when the running thread has come to its next access. */
  private readonly goOn = (thread: number): boolean => {
    const { depth } = this.trail;
    this.settle();
    this.settled = true;
    if (this.trail.depth === depth || !this.mayMakeSteps()) return false;
    const frame = this.trail.top();
    if (this.next(frame) !== thread) return false;
    this.trail.link(thread);
    this.settled = false;
    return true;
  };

  /** A new state: its frame, or the end of an execution. */
  private enter(covered: number): boolean {
    const { machine, options } = this;
    if (machine.thrown !== null) return this.end(endingOf(machine));
    let enabled = machine.sleepers.enabledThreads();
    if (options.preemptionsMax !== undefined) enabled = notSpinning(machine, enabled);
    if (enabled === 0) return this.end(endingOf(machine));
    const open = enabled & ~covered;
    if (open === 0) {
      this.redundant++;
      this.leave();
      return false;
    }
    if (this.isOthers(this.trail.depth === this.commonSteps)) {
      this.leave();
      return false;
    }
    const coveredLooks = covered === 0 ? null : this.looksOfCovered();
    const preemptions = options.reduce ? 0 : this.countPreemptions();
    const reduced = this.trail.depth < this.commonSteps ? open : this.firstOf(open);
    const backtrack = options.reduce ? reduced : this.affordable(enabled, preemptions);
    const frame = this.trail.push();
    frame.mark = machine.mark();
    frame.enabled = enabled;
    frame.backtrack = backtrack;
    frame.preemptions = preemptions;
    frame.covered = covered;
    frame.coveredLooks = coveredLooks;
    return false;
  }

  /** Whether a way that is dealt out now, if one is, is another part's. */
  private isOthers(isDealt: boolean): boolean {
    const { part } = this.options;
    return part !== undefined && isDealt && this.dealt++ % part.count !== part.index;
  }

  /** One of some threads, as a bit: the running one if it is among them, which is the cheapest. */
  private firstOf(open: number): number {
    const last = this.trail.threadBefore(0);
    const running = last < 0 ? 0 : open & (1 << last);
    return running !== 0 ? running : open & -open;
  }

  /**
   * Preemptions up to the newest state: the last step's counts if its thread was not the one
   * before.
   */
  private countPreemptions(): number {
    if (this.trail.depth < 2) return 0;
    const last = this.trail.top();
    const before = this.trail.threadBefore(1);
    const couldGoOn = before !== last.thread && (last.enabled & (1 << before)) !== 0;
    return last.preemptions + (couldGoOn ? 1 : 0);
  }

  /** Threads that may go on from here within the bound on preemptions. */
  private affordable(enabled: number, preemptions: number): number {
    const max = this.options.preemptionsMax ?? Number.POSITIVE_INFINITY;
    if (this.trail.depth === 0 || preemptions < max) return enabled;
    const same = enabled & (1 << this.trail.threadBefore(0));
    return same === 0 ? enabled : same;
  }

  private end(ending: Ending): boolean {
    // What ends in the steps that all parts make is dealt out as well.
    if (this.isOthers(this.trail.depth <= this.commonSteps)) {
      this.leave();
      return false;
    }
    const stop = this.counts(ending) && this.options.onEnd(ending, () => this.trace());
    this.leave();
    // Where a loop has no end, there are ever more executions that are cut.
    return stop || (this.isTooLong && this.options.preemptionsMax === undefined);
  }

  private counts({ kind }: Ending): boolean {
    if (kind === 'cut') this.isTooLong = true;
    else if (kind === 'dismissed') this.dismissed++;
    else this.executions++;
    return kind !== 'cut' && kind !== 'dismissed';
  }

  /** The state that the last frame's step led to is done with. */
  private leave(): void {
    if (this.trail.depth === 0) return;
    const frame = this.trail.top();
    frame.covered |= 1 << frame.thread;
    if (frame.looks === null && frame.coveredLooks === null) return;
    frame.coveredLooks ??= new Array<Footprint | null>(this.threads).fill(null);
    frame.coveredLooks[frame.thread] = frame.looks;
  }

  /** What the steps look at because of which threads are covered; they go down with the threads. */
  private looksOfCovered(): (Footprint | null)[] | null {
    const looks = this.trail.depth === 0 ? null : this.trail.top().coveredLooks;
    return looks === null ? null : [...looks];
  }

  private trace(): Step[] {
    const { trail } = this;
    return trail.steps().map((frame) => {
      const access = frame.row < 0 ? null : trail.logOf(frame).access(frame.row);
      return { thread: frame.thread, access, found: frame.found };
    });
  }

  /** Threads that stay covered after a step: those whose own next step does not depend on it. */
  private stillCovered(frame: Frame): number {
    let covered = 0;
    for (let thread = 0; thread < this.threads; thread++) {
      const bit = 1 << thread;
      if ((frame.covered & bit) !== 0 && this.staysCovered(frame, thread)) covered |= bit;
    }
    return covered;
  }

  private staysCovered(frame: Frame, thread: number): boolean {
    const { machine } = this;
    const { word, effects } = frame;
    // Who was woken here would have woken by itself.
    if (machine.sleepers.wokenAt(thread) === this.trail.depth) return false;
    if (frame.kills === thread) return false;
    if (machine.wakesItself(thread)) {
      if (this.looksMeet(frame, thread, machine.sleepers.wordOf(thread), LEAVES)) return false;
      if (dependent(word, effects, machine.sleepers.wordOf(thread), LEAVES)) return false;
      return (effects & WRITES) === 0 || !machine.sleepers.newsWords(thread).includes(word);
    }
    const log = machine.logs[thread] as Log;
    const row = machine.nextRow(thread);
    const [next, possible] = [log.word(row), possibleStepEffects(log.kind(row))];
    if (dependsOn(frame, next, possible)) return false;
    if (killDependsOn(frame, thread, next, possible)) return false;
    if (log.kind(row) === ACCESS.kill && this.isOfVictim(frame, log.a(row))) return false;
    // Whom it would wake might wake for this change now.
    if ((possible & NOTIFIES) !== 0 && (effects & WRITES) !== 0) {
      if (machine.sleepers.newsOn(next).includes(word)) return false;
    }
    return !this.looksMeet(frame, thread, next, possible);
  }

  /** Whether a step was made by a thread that is to be killed, or may have woken it. */
  private isOfVictim({ thread, word, effects }: Frame, victim: number): boolean {
    if (thread === victim) return true;
    return (effects & NOTIFIES) !== 0 && this.machine.sleepers.wordOf(victim) === word;
  }

  /** Whether a step or a covered thread's own looks at what the other does. */
  private looksMeet(frame: Frame, thread: number, word: number, effects: number): boolean {
    const looks = frame.coveredLooks?.[thread] ?? null;
    if (looks !== null && looksDependOn(looks, frame)) return true;
    return frame.looks !== null && looksDependOn(frame.looks, { word, effects, looks });
  }
}
