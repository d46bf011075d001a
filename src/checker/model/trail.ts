/**
 * The execution so far: its steps, which of them come before which, and the races among them.
 *
 * Whether one step comes before another is in vector clocks: by program order, by a waking, and by
 * dependence. To find the newest step's races only the steps are looked at that can be dependent,
 * which are chained: those on one word, and the wakings.
 */
import { ACCESS, dependent, NOTIFIES, WRITES } from './access.js';
import type { Log } from './log.js';
import { type Footprint, looksDependOn } from './looks.js';
import type { Machine } from './machine.js';

/**
 * A step of an execution, and the state before it. Frames are made once for each depth and used
 * again: exploring makes no garbage.
 */
export interface Frame {
  mark: number;
  enabled: number;
  /** Threads to be explored from here, as bits. */
  backtrack: number;
  /** Threads that were explored from here or need not be, as bits. */
  covered: number;
  /** Preemptions on the way here. */
  preemptions: number;
  /** -1 until a step was made from here. */
  thread: number;
  /** Which of its thread's operations the step belongs to. */
  operation: number;
  /** Where the step stands in its thread's log. A waking by itself stands nowhere: -1. */
  row: number;
  /** What the step turned out to be. For a waking: the word that the thread slept on. */
  word: number;
  effects: number;
  found: number;
  /** Words that a dozing thread has looked at: of its waking, or of the notify that woke it. */
  news: readonly number[] | null;
  /** The thread that the step kills, and the word that this last slept on; -1: none. */
  kills: number;
  killedOn: number;
  /** What was looked at from outside in the step: see looks.ts. */
  looks: Footprint | null;
  /** Of each thread that is covered because of a step that was made: that step's looks. */
  coveredLooks: (Footprint | null)[] | null;
  /** For each thread, how many of its steps come before this one or are it. */
  readonly clock: number[];
  /** The step before this one of the same thread, and on the same word or, of wakings, at all. */
  before: number;
  beforeOnWord: number;
  /** Whether it can depend on accesses of other words but is no waking; the last such before it. */
  isFar: boolean;
  beforeFar: number;
}

function newFrame(threads: number): Frame {
  return {
    mark: 0,
    enabled: 0,
    backtrack: 0,
    covered: 0,
    preemptions: 0,
    thread: -1,
    operation: 0,
    row: -1,
    word: -1,
    effects: 0,
    found: 0,
    news: null,
    kills: -1,
    killedOn: -1,
    looks: null,
    coveredLooks: null,
    clock: new Array<number>(threads).fill(0),
    before: -1,
    beforeOnWord: -1,
    isFar: false,
    beforeFar: -1,
  };
}

/** Whether the order of a step and of another thread's access can be told. */
export function dependsOn(step: Frame, word: number, effects: number): boolean {
  if (dependent(step.word, step.effects, word, effects)) return true;
  // A write is what a dozing thread wakes for.
  return step.news !== null && (effects & WRITES) !== 0 && step.news.includes(word);
}

/** Whether a step kills a thread, and depends on an access of that, or on a notify for it. */
export function killDependsOn(
  { kills, killedOn }: Frame,
  thread: number,
  word: number,
  effects: number,
): boolean {
  return kills >= 0 && (kills === thread || (killedOn === word && (effects & NOTIFIES) !== 0));
}

/** Whether the order of two steps, by different threads, can be told. */
function dependOn(a: Frame, b: Frame): boolean {
  if (killDependsOn(a, b.thread, b.word, b.effects)) return true;
  if (killDependsOn(b, a.thread, a.word, a.effects)) return true;
  if (dependsOn(a, b.word, b.effects)) return true;
  if (b.news !== null && dependsOn(b, a.word, a.effects)) return true;
  if (a.looks !== null && looksDependOn(a.looks, b)) return true;
  return b.looks !== null && looksDependOn(b.looks, a);
}

/** Makes `clock` the later of the two, thread by thread. */
function join(clock: number[], other: readonly number[]): void {
  for (let thread = 0; thread < clock.length; thread++) {
    const time = other[thread] as number;
    if (time > (clock[thread] as number)) clock[thread] = time;
  }
}

/** The least time of a clock: all steps before it come before the clock's own. */
function least(clock: readonly number[]): number {
  let time = clock[0] as number;
  for (let thread = 1; thread < clock.length; thread++) {
    time = Math.min(time, clock[thread] as number);
  }
  return time;
}

export class Trail {
  /** How many frames are in use; the last one's step may be still to be made. */
  depth = 0;
  private readonly machine: Machine;
  private readonly frames: Frame[] = [];
  /** The newest step of each thread, on each word, of all wakings and of the far; -1: none. */
  private readonly lastOf: number[];
  private readonly lastOn: number[];
  private lastWaking = -1;
  private lastFar = -1;
  /** Of the newest step: the earlier ones that it races with. */
  private readonly racing: number[] = [];
  /** Of each thread: its first step behind one that is raced with. */
  private readonly firsts: number[];

  constructor(machine: Machine) {
    this.machine = machine;
    this.lastOf = new Array<number>(machine.threads).fill(-1);
    this.lastOn = new Array<number>(machine.words).fill(-1);
    this.firsts = new Array<number>(machine.threads).fill(-1);
  }

  /** A frame for a new state. */
  push(): Frame {
    if (this.depth === this.frames.length) this.frames.push(newFrame(this.machine.threads));
    this.depth++;
    const frame = this.top();
    frame.thread = -1;
    frame.isFar = false;
    frame.looks = null;
    frame.kills = -1;
    return frame;
  }

  top(): Frame {
    return this.frames[this.depth - 1] as Frame;
  }

  steps(): readonly Frame[] {
    return this.frames.slice(0, this.depth);
  }

  /** The thread that made the last step but `back`; -1: none. */
  threadBefore(back: number): number {
    return this.depth <= back ? -1 : (this.frames[this.depth - 1 - back] as Frame).thread;
  }

  logOf(frame: Frame): Log {
    return this.machine.logs[frame.thread] as Log;
  }

  /** Says in the newest frame what step is made from it. */
  link(thread: number): void {
    const { machine, depth } = this;
    const frame = this.top();
    const isWaking = machine.wakesItself(thread);
    frame.thread = thread;
    frame.operation = machine.operationOf(thread);
    frame.row = isWaking ? -1 : machine.nextRow(thread);
    frame.word = isWaking ? machine.sleepers.wordOf(thread) : this.logOf(frame).word(frame.row);
    frame.news = isWaking ? machine.sleepers.newsWords(thread) : null;
    frame.before = this.lastOf[thread] as number;
    this.lastOf[thread] = depth - 1;
    if (!isWaking) this.linkKill(frame);
    if (isWaking) {
      frame.beforeOnWord = this.lastWaking;
      this.lastWaking = depth - 1;
    } else {
      frame.beforeOnWord = this.lastOn[frame.word] as number;
      this.lastOn[frame.word] = depth - 1;
    }
  }

  /** Says whom a step kills, if it does. */
  private linkKill(frame: Frame): void {
    const log = this.logOf(frame);
    if (log.kind(frame.row) !== ACCESS.kill) return;
    frame.kills = log.a(frame.row);
    // Also where it has woken: a notify that comes later would have woken another.
    frame.killedOn = this.machine.sleepers.wordOf(frame.kills);
    // Its own waking, had a word changed before.
    frame.news = this.machine.sleepers.newsWords(frame.kills);
    this.setFar(frame);
  }

  /** A step can depend on accesses of other words than its own. */
  private setFar(frame: Frame): void {
    if (frame.isFar) return;
    frame.isFar = true;
    frame.beforeFar = this.lastFar;
    this.lastFar = this.depth - 1;
  }

  /** The step that was made from the newest frame, if any, is no part of the execution any more. */
  unlink(): void {
    const frame = this.top();
    if (frame.thread < 0) return;
    this.lastOf[frame.thread] = frame.before;
    if (frame.row < 0) this.lastWaking = frame.beforeOnWord;
    else this.lastOn[frame.word] = frame.beforeOnWord;
    if (frame.isFar) this.lastFar = frame.beforeFar;
    frame.isFar = false;
    frame.looks = null;
    frame.kills = -1;
    frame.thread = -1;
  }

  /**
   * Says of the newest step what was looked at in it, and which words those had looked at that it
   * woke: whose change might have woken them before.
   */
  look(looks: Footprint | null, missed: readonly number[]): void {
    const frame = this.top();
    if (missed.length > 0) frame.news = missed;
    if (looks === null && missed.length === 0) return;
    frame.looks = looks;
    this.setFar(frame);
  }

  /** The clock of the newest step, and the races that it is in. */
  findRaces(): void {
    const { frames } = this;
    const newest = this.top();
    const { clock, thread } = newest;
    this.setProgramClock(newest);
    let known = least(clock);
    // Backwards, so that what comes before by way of a later dependent step is seen to.
    let onWord = newest.beforeOnWord;
    let waking = (newest.effects & (WRITES | NOTIFIES)) !== 0 ? this.lastWaking : -1;
    let far = newest.isFar ? newest.beforeFar : this.lastFar;
    for (let index = this.depth - 2; ; index--) {
      // Only steps on the same word, wakings and far ones can depend on an access; on those, all.
      if (newest.row >= 0 && !newest.isFar) index = Math.max(onWord, waking, far);
      if (index < known) break;
      const earlier = frames[index] as Frame;
      if (index === onWord) onWord = earlier.beforeOnWord;
      if (index === waking) waking = earlier.beforeOnWord;
      if (index === far) far = earlier.beforeFar;
      if ((clock[earlier.thread] as number) > index || !dependOn(earlier, newest)) continue;
      if (earlier.thread !== thread) this.racing.push(index);
      join(clock, earlier.clock);
      // All steps before the least of the clock come before this one already.
      known = least(clock);
    }
    clock[thread] = this.depth;
    while (this.racing.length > 0) this.reverse(this.racing.pop() as number);
  }

  /** What comes before a step by program order and by its thread's having been woken. */
  private setProgramClock({ clock, thread, before }: Frame): void {
    const { frames, machine } = this;
    const own = before < 0 ? null : (frames[before] as Frame).clock;
    for (let other = 0; other < clock.length; other++) clock[other] = own?.[other] ?? 0;
    const woken = machine.sleepers.wokenAt(thread) - 1;
    if (woken > before) join(clock, (frames[woken] as Frame).clock);
  }

  /**
   * Sees to it that from the state before `index` an execution is explored that has the newest
   * step first.
   */
  private reverse(index: number): void {
    const { frames, depth, firsts } = this;
    const target = frames[index] as Frame;
    firsts.fill(-1);
    let initials = 0;
    for (let at = index + 1; at < depth; at++) {
      const step = frames[at] as Frame;
      const isNewest = at === depth - 1;
      if (!isNewest && (step.clock[target.thread] as number) > index) continue;
      if (firsts[step.thread] !== -1) continue;
      if (this.isInitial(step)) initials |= 1 << step.thread;
      firsts[step.thread] = at;
    }
    initials &= target.enabled;
    if ((initials & target.backtrack) !== 0) return;
    // No initial is enabled only where the step had to be woken by something: then all are tried.
    const wanted = this.top().thread;
    if (initials === 0) target.backtrack |= target.enabled;
    else target.backtrack |= (initials & (1 << wanted)) !== 0 ? 1 << wanted : initials & -initials;
  }

  /** Whether none of the other threads' first steps comes before this one. */
  private isInitial({ clock }: Frame): boolean {
    for (let thread = 0; thread < this.firsts.length; thread++) {
      const first = this.firsts[thread] as number;
      if (first >= 0 && (clock[thread] as number) > first) return false;
    }
    return true;
  }
}
