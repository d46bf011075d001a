/**
 * Tasks and whose address space each has: from actions to the lives of mms.
 *
 *   birth   with CLONE_VM (threads, vfork) the child has its parent's mm, else a copy
 *   exec    the task gets a new mm; its old one ends with its last task
 *   exit    likewise
 *
 * A task that no line has announced is older than the recording: it gets an mm of its own, of which
 * only what is touched is known. A tid that was used before is another task after its birth; what
 * is heard of it between its exit and then (Linux clears a word of a dead thread) is left out.
 *
 * Recorders write from several CPUs, so a child can be heard of before the call that made it has
 * returned. Such an orphan's actions wait until somebody says whose it is, or until its exec.
 */
import type { Action, BirthAction } from './action.js';
import type { Warning } from './line-parser.js';
import type { TaskSpace, TaskSpaces } from './task-spaces.js';

/** What an orphan may do before its parent is known; more is not kept. */
const WAITING_MAX = 4096;

const ORPHANS_MAX = 256;

/** Faults of one exec before it returns. */
const EARLY_MAX = 64;

interface Task {
  readonly group: number;
  readonly space: TaskSpace;
  /** When it exec'd; -1: it has not, as far as is known. */
  readonly execUs: number;
  /** Faults that may belong to the mm after the exec that is under way. */
  early: Action[];
}

export class Processes {
  /** Actions of tasks that had exited. */
  late = 0;
  private readonly spaces: TaskSpaces;
  private readonly tasks = new Map<number, Task>();
  /** Tasks that have exited; true: with their group, whose calls may return after that. */
  private readonly gone = new Map<number, boolean>();
  private readonly orphans = new Map<number, Action[]>();
  /** When an orphan exec'd: it may have ended, too, when its parent is known. */
  private readonly execdOrphans = new Map<number, number>();
  private groups = 0;
  private births = 0;
  private unannounced = 0;
  private unclaimed = 0;
  private unseenExecs = 0;

  constructor(spaces: TaskSpaces) {
    this.spaces = spaces;
  }

  place(action: Action, timeUs: number): void {
    const waiting = action.op === 'exec' ? undefined : this.orphans.get(action.task);
    if (waiting !== undefined) {
      if (waiting.length < WAITING_MAX) waiting.push(action);
      if (action.op === 'birth') this.orphan(action.child);
      return;
    }
    switch (action.op) {
      case 'birth':
        this.birth(action);
        break;
      case 'orphan':
        this.orphan(action.task);
        break;
      case 'exec':
        this.exec(action.task, action.former, timeUs);
        break;
      case 'exit':
        this.exit(action.task);
        break;
      case 'exit-group':
        this.exitGroup(action.task);
        break;
      default:
        this.use(action, timeUs);
    }
  }

  /** No action follows: faults that could have been an exec's were not. */
  end(): void {
    for (const task of this.tasks.values()) this.flush(task);
  }

  /** What is odd about the tasks, once all lines are read. */
  warnings(): Warning[] {
    const warnings: Warning[] = [];
    const unclaimed = [...this.orphans.values()].filter(({ length }) => length > 0).length;
    const lost = this.unclaimed + unclaimed;
    // The first one has always been there before the recording, unless it is an exec's.
    if (this.unannounced > 1) {
      const message =
        `no line announced ${this.unannounced} tasks: each counts as a process that is older ` +
        'than the recording';
      warnings.push({ code: 'unannounced-tasks', message, doubtful: this.births === 0 });
    }
    if (this.unseenExecs > 0) {
      const message = `no line tells of ${this.unseenExecs} execs: a break shows that they were`;
      warnings.push({ code: 'unseen-execs', message, doubtful: true });
    }
    if (lost > 0) {
      const message = `no line says who made ${lost} tasks: what they did is left out`;
      warnings.push({ code: 'unclaimed-tasks', message, doubtful: true });
    }
    return warnings;
  }

  private orphan(tid: number): void {
    if (this.tasks.has(tid) || this.orphans.has(tid)) return;
    // Those that nobody ever speaks of again must not pile up.
    for (const list of [this.orphans, this.execdOrphans]) {
      const [oldest] = list.keys();
      if (list.size < ORPHANS_MAX || oldest === undefined) continue;
      if (list === this.orphans) this.unclaimed++;
      list.delete(oldest);
    }
    this.orphans.set(tid, []);
  }

  /** Something is done in an address space. */
  private use(action: Action, timeUs: number): void {
    const withGroup = this.gone.get(action.task);
    if (withGroup !== undefined) {
      if (!withGroup) this.late++;
      return;
    }
    const task = this.taskOf(action.task);
    if (action.op === 'fault' && action.early && task.early.length < EARLY_MAX) {
      task.early.push(action);
      return;
    }
    this.flush(task);
    if (action.op === 'brk' && task.space.isOfOther(action.at)) {
      this.unseenExecs++;
      this.exec(action.task, action.task, timeUs);
    }
    this.taskOf(action.task).space.apply(action);
  }

  private flush(task: Task): void {
    if (task.early.length === 0) return;
    const { early } = task;
    task.early = [];
    for (const action of early) task.space.apply(action);
  }

  private birth({ task, child, sharesMm, thread, sinceUs }: BirthAction): void {
    this.births++;
    const execUs = this.tasks.get(child)?.execUs ?? this.execdOrphans.get(child) ?? -1;
    this.execdOrphans.delete(child);
    if (execUs >= sinceUs) return;
    const waiting = this.orphans.get(child) ?? [];
    this.orphans.delete(child);
    // Its last task has ended without a line; or it is this child, taken for an older task.
    this.exit(child);
    const parent = this.taskOf(task);
    this.flush(parent);
    const group = thread ? parent.group : this.groups++;
    const space = sharesMm ? parent.space : this.spaces.fork(parent.space);
    this.add(child, group, space);
    for (const action of waiting) this.place(action, sinceUs);
  }

  private exec(tid: number, former: number, timeUs: number): void {
    if (this.orphans.delete(tid)) this.execdOrphans.set(tid, timeUs);
    const before = this.tasks.get(former) ?? this.tasks.get(tid);
    const early = before?.early ?? [];
    if (former !== tid) this.leave(former);
    this.leave(tid);
    // Alone in its group: other threads end with an exec, and vfork's child was never in one.
    const task = this.add(tid, this.groups++, this.spaces.exec(), timeUs);
    for (const action of early) task.space.apply(action);
  }

  private exit(tid: number, withGroup = false): void {
    const task = this.tasks.get(tid);
    if (task !== undefined) this.flush(task);
    this.leave(tid, withGroup);
  }

  private exitGroup(tid: number): void {
    const group = this.tasks.get(tid)?.group;
    if (group === undefined) return;
    for (const [other, task] of this.tasks) if (task.group === group) this.exit(other, true);
  }

  private taskOf(tid: number): Task {
    const task = this.tasks.get(tid);
    if (task !== undefined) return task;
    this.unannounced++;
    return this.add(tid, this.groups++, this.spaces.create());
  }

  private add(tid: number, group: number, space: TaskSpace, execUs = -1): Task {
    const task: Task = { group, space, execUs, early: [] };
    space.users++;
    this.gone.delete(tid);
    this.tasks.set(tid, task);
    return task;
  }

  private leave(tid: number, withGroup = false): void {
    const task = this.tasks.get(tid);
    this.orphans.delete(tid);
    // What is said of a thread after the end of its group does not undo that.
    if (task !== undefined || !this.gone.has(tid)) this.gone.set(tid, withGroup);
    if (task === undefined) return;
    this.tasks.delete(tid);
    task.space.users--;
    if (task.space.users === 0) this.spaces.end(task.space);
  }
}
