/**
 * Who is who in strace's lines: whose pid a line has, and who made that task.
 *
 * A child can be heard of before the call that made it returns. In a pid namespace that call
 * returns another number than the lines of the child have. Without -f no line of a child comes at
 * all; threads that strace was attached to have no beginning.
 */
import type { OnAction } from './action.js';
import { birthFlags, bitsOf, isThread, lendsMm, sharesMm } from './calls.js';
import type { Recorded, Warning } from './line-parser.js';

/** A call that has not returned. */
export interface Begun {
  readonly call: string;
  readonly given: string;
  readonly sinceUs: number;
  /** What the call makes a task with; null: none, or that is not printed yet. */
  readonly flags: number | null;
  /** The pid of the task that it made, if strace named that before the call returned; or 0. */
  child: number;
  /** Whether a line of that task has come. */
  isHeard: boolean;
}

/** The process whose pid is not printed. */
const FIRST = 0;

/** A process that strace was attached to, and how many of its threads nobody has named. */
interface Attached {
  readonly pid: number;
  unnamed: number;
}

/** A child of whom no line has come. */
interface Silent {
  readonly parent: number;
  /** Whether its lines may have another pid: that of another namespace. */
  readonly isForeign: boolean;
}

/** What a call returned: a pid in the task's namespace, and in strace's, where it prints that. */
export interface ReturnedPid {
  readonly pid: number;
  readonly translated: number | null;
}

/** The flags of a thread. */
const THREAD: number = bitsOf('CLONE', 'VM|THREAD');

/** Children that are remembered only to be recognised later. */
const LENT_MAX = 4096;

export class StraceTasks {
  private readonly emit: (action: Parameters<OnAction>[0]) => void;
  private readonly isApart: boolean;
  private readonly known = new Set<number>();
  /** The pid of the process that was FIRST. */
  private firstPid = -1;
  private firstEnded = false;
  /** Whether lines of more than the first process come. */
  private isFollowed = false;
  private readonly attached: Attached[] = [];
  /** Children that a call returned, and of which no line has come. */
  private readonly silent = new Map<number, Silent>();
  /** Tasks whose children's lines have the pids that their calls return. */
  private readonly plain = new Set<number>();
  /** Whether strace says of itself when a task exits. */
  private hasExits = false;
  /** Children of whom a line came before their call returned, and nobody knows whose they are. */
  private readonly orphans = new Set<number>();
  /** Tasks by the pid in their lines, or in their namespace, where that is another. */
  private readonly byLine = new Map<number, number>();
  private readonly byNamespace = new Map<number, number>();
  private readonly unfollowed = new Tally();
  private readonly guessed = new Tally();
  /** Tasks that may be another's child than is taken. */
  private readonly swapped = new Tally();
  /** Children of vfork of whom nobody knows when they left their parent's address space. */
  private readonly lent = new Set<number>();
  /** Whether the first line is the exec of a program, not of one that was there before. */
  private beganByExec: boolean | null = null;
  private invented = 0;

  constructor(emit: (action: Parameters<OnAction>[0]) => void, { isApart }: Recorded) {
    this.emit = emit;
    this.isApart = isApart;
  }

  /** The task of a line that begins with this pid, or with none. */
  taskOf(pid: number | null, rest: string, begun: ReadonlyMap<number, Begun>): number {
    this.beganByExec ??= rest.startsWith('exec');
    if (pid === null) {
      // When the first has ended and one is left, that one has no pid in its lines any more.
      const [only = FIRST] = this.firstEnded ? this.known : [];
      this.known.add(only);
      return only;
    }
    this.isFollowed = true;
    const task = this.idOf(pid);
    if (!this.known.has(task)) return this.unannounced(pid, rest, begun);
    const silent = this.silent.get(task);
    if (silent !== undefined) {
      this.silent.delete(task);
      this.plain.add(silent.parent);
    }
    return task;
  }

  idOf(pid: number): number {
    return pid === this.firstPid ? FIRST : (this.byLine.get(pid) ?? pid);
  }

  /** Whether a line of a task has come that has not ended. */
  isHeard(pid: number): boolean {
    const task = this.idOf(pid);
    return this.known.has(task) && !this.silent.has(task);
  }

  /** What stands in the lines of a task. */
  private pidOf(task: number): number {
    if (task === FIRST) return this.firstPid;
    for (const [pid, other] of this.byLine) if (other === task) return pid;
    return task;
  }

  /** strace says that it follows a process, with so many threads. */
  attach(pid: number, threads: number): void {
    this.isFollowed = true;
    if (threads > 1) this.attached.push({ pid, unnamed: threads - 1 });
    if (threads > 1 || this.known.size > 0 || this.firstPid >= 0) return;
    this.firstPid = pid;
    this.known.add(FIRST);
  }

  /** A call has returned its child's pid. `child` is 0 where that was not heard of. */
  returned(task: number, flags: number, { pid, translated }: ReturnedPid, begun: Begun): void {
    const number = translated ?? pid;
    const { child, isHeard, sinceUs } = begun;
    const orphan = child > 0 ? 0 : this.orphanOf(task, number, translated !== null);
    const heardOf = child || orphan;
    if (heardOf === number) this.plain.add(task);
    if ((heardOf || number) !== pid) this.byNamespace.set(pid, heardOf || number);
    if (isHeard || orphan > 0) {
      if (this.orphans.delete(heardOf)) this.birth(task, heardOf, flags, sinceUs);
      return;
    }
    // The parent goes on when the child has left its address space: for one that nobody knows.
    if (lendsMm(flags) && !this.isApart && heardOf === 0) {
      const [oldest] = this.lent;
      if (this.lent.size >= LENT_MAX && oldest !== undefined) this.giveUp(oldest);
      this.lent.add(number);
      return;
    }
    const id = heardOf || this.idFor(number);
    const isForeign =
      heardOf === 0 && translated === null && number < this.pidOf(task) && !this.plain.has(task);
    this.known.add(id);
    this.silent.set(id, { parent: task, isForeign });
    this.birth(task, id, flags, sinceUs);
  }

  /** No line of a child comes any more. */
  private giveUp(pid: number): void {
    this.lent.delete(pid);
    this.unfollowed.add(pid);
  }

  /** A number that no other task goes by: in two namespaces it can be the same. */
  private idFor(number: number): number {
    if (![...this.byLine.values()].includes(number)) return number;
    const id = -++this.invented;
    this.byNamespace.set(number, id);
    return id;
  }

  /** A call has waited for the end of a child. Lines of several files are not in its order. */
  waited({ pid, translated }: ReturnedPid): void {
    const task = translated ?? this.byNamespace.get(pid) ?? pid;
    this.byNamespace.delete(pid);
    // Where it may be another that has ended, its own line says when.
    const isUnsure = this.hasExits && this.swapped.count > 0 && !this.silent.has(task);
    if (this.isApart || isUnsure) return;
    if (!this.known.delete(task)) return;
    if (this.silent.delete(task)) this.unfollowed.add(pid);
    this.emit({ op: 'exit-group', task });
  }

  /** Whether the whole process has ended: others of it would have lines. */
  ended(task: number): boolean {
    this.hasExits = true;
    this.plain.delete(task);
    if (task === FIRST) this.firstEnded = true;
    this.known.delete(task);
    this.silent.delete(task);
    for (const [pid, other] of this.byLine) if (other === task) this.byLine.delete(pid);
    return task === FIRST && !this.isFollowed;
  }

  /** Ends children of whom no line has come. */
  end(): void {
    for (const pid of this.lent) this.giveUp(pid);
    for (const task of this.silent.keys()) {
      this.unfollowed.add(task);
      this.emit({ op: 'exit-group', task });
    }
    this.silent.clear();
  }

  get warnings(): Warning[] {
    const warnings: Warning[] = [];
    const { unfollowed, guessed, swapped, isFollowed } = this;
    if (unfollowed.count > 0) {
      const why =
        isFollowed || this.isApart
          ? ''
          : ': children were not followed (strace -f, or all files of strace -ff)';
      const message = `no line came of ${unfollowed.listed('child', 'children')}${why}`;
      warnings.push({ code: 'not-followed', message, doubtful: why !== '' });
    }
    if (guessed.count > 0) {
      const message =
        `no line announced ${guessed.listed('task', 'tasks')}: taken for threads of the first ` +
        "(strace's own line, Process N attached with M threads, tells)";
      warnings.push({ code: 'guessed-threads', message, doubtful: true });
    }
    if (swapped.count > 0) {
      const message =
        `lines of ${swapped.listed('child', 'children')} of a pid namespace can be of more than ` +
        'one call: each counts as that of the first (strace --pidns-translation tells)';
      warnings.push({ code: 'guessed-children', message, doubtful: true });
    }
    return warnings;
  }

  private unannounced(pid: number, rest: string, begun: ReadonlyMap<number, Begun>): number {
    const all = [...begun].filter(([, { call }]) => birthFlags(call) !== null);
    const its = all.filter(([, { child, isHeard }]) => child === pid && !isHeard);
    const making = its.length > 0 ? its : all.filter(([, { child }]) => child === 0);
    if (its.length === 0 && making.length > 0 && this.isForeign()) {
      this.swapped.add(pid);
      return this.unmade(pid, rest);
    }
    if (this.known.has(FIRST) && this.firstPid < 0 && making.every(([task]) => task !== FIRST)) {
      this.firstPid = pid;
      return FIRST;
    }
    const [only] = making;
    if (only === undefined) return this.unmade(pid, rest);
    this.known.add(pid);
    const [task, { flags, sinceUs }] = only;
    if (making.length === 1) {
      only[1].child = pid;
      only[1].isHeard = true;
    }
    if (making.length === 1 && flags !== null) this.birth(task, pid, flags, sinceUs);
    else {
      this.orphans.add(pid);
      this.emit({ op: 'orphan', task: pid });
    }
    return pid;
  }

  /** Nobody is making a task. */
  private unmade(pid: number, rest: string): number {
    const [silent] = this.silent.keys();
    const process = this.attachedOf(pid);
    if (process === undefined && silent !== undefined) {
      if (this.silent.size > 1 && this.isForeign()) this.swapped.add(pid);
      this.silent.delete(silent);
      this.byLine.set(pid, silent);
      return silent;
    }
    const [first] = this.known;
    this.known.add(pid);
    if (process?.pid === pid) return pid;
    if (process !== undefined) {
      process.unnamed--;
      this.known.add(process.pid);
      this.birth(process.pid, pid, THREAD, 0);
    } else if (this.isLikeThread(pid, rest) && first !== undefined) {
      this.guessed.add(pid);
      this.birth(first, pid, THREAD, 0);
    }
    return pid;
  }

  /** Whether a child of whom no line has come may have another pid in its lines. */
  private isForeign(): boolean {
    for (const { isForeign } of this.silent.values()) if (isForeign) return true;
    return false;
  }

  /** Not like a program that has just begun: that asks for its break. */
  private isLikeThread(pid: number, rest: string): boolean {
    if (this.lent.delete(pid) || this.beganByExec) return false;
    return !/^(?:brk\((?:NULL|0x0|0)\)|exec)/.test(rest);
  }

  /** The process, or the last one before it that has threads without a name. */
  private attachedOf(pid: number): Attached | undefined {
    const itself = this.attached.find((each) => each.pid === pid);
    if (itself !== undefined) return itself;
    const open = this.attached.filter(({ unnamed }) => unnamed > 0);
    const before = open.filter((each) => each.pid < pid);
    return before.sort((a, b) => b.pid - a.pid)[0] ?? open[0];
  }

  /** That orphan; or in a namespace, where numbers are smaller, the first. 0: none. */
  private orphanOf(task: number, number: number, isExact: boolean): number {
    if (this.orphans.has(number)) return number;
    if (isExact) return 0;
    const [oldest = 0] = this.orphans;
    return number < this.pidOf(task) && number < oldest ? oldest : 0;
  }

  private birth(task: number, child: number, flags: number, sinceUs: number): void {
    const [shares, thread] = [sharesMm(flags), isThread(flags)];
    this.emit({ op: 'birth', task, child, sharesMm: shares, thread, sinceUs });
  }
}

/** How many tasks there were, and the first of them. */
class Tally {
  count = 0;
  private readonly first: number[] = [];

  add(pid: number): void {
    this.count++;
    if (this.first.length < NAMED_MAX) this.first.push(pid);
  }

  listed(one: string, many: string): string {
    const more = this.count > this.first.length ? ', …' : '';
    return `${this.count} ${this.count === 1 ? one : many} (${this.first.join(', ')}${more})`;
  }
}

const NAMED_MAX = 3;
