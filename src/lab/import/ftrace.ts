/**
 * The text of the kernel's trace file, and of `trace-cmd report`.
 *
 *   bash-15137   [001] .....  1225.958827: task_newtask: pid=15139 comm=bash clone_flags=1200000 …
 *   bash-15137   (  15137) [001] d....  1225.958837: page_fault_user: address=0x564d3bee32c0 …
 *   bash-15137   [000] 1225.902485: sys_enter_brk:        brk: 0x00000000
 *
 * Faults of the kernel on a program's behalf may be an exec's that is under way: they are early.
 */
import type { OnAction } from './action.js';
import { KernelEvents } from './kernel-events.js';
import {
  type LineParser,
  microseconds,
  type Placed,
  type Recorder,
  SHORT_CHARACTERS,
  type Warning,
} from './line-parser.js';

/** With the process of the task (record-tgid), or not. */
const TASK = /^ *(\S.{0,31})-(\d+) +(?:\( *(\d+|-+)\) +)?\[\d+\] +(?:[^\s:]{4,8} +)?(?=\d)/;
/** Some clocks count, and have no fraction. */
const EVENT = /^(\d+)(\.\d+)?: (\w+)(?:: *|(?= ->)|(?=\()) ?(.*)$/;
/** With the option latency-format. */
const LATENCY =
  /^ *(\S.{0,31})-(\d+) +\d+[^\s:]{4,8} +(\d+)us.?: (\w+)(?:: *|(?= ->)|(?=\()) ?(.*)$/;
/** Also stacks. */
const NO_EVENT =
  /^(?:#|$| => |cpus=|version = |CPU \d+ is empty|trace-cmd: )|: <(?:user )?stack trace>$/;

class FtraceParser implements LineParser {
  private readonly events: KernelEvents;
  private readonly onAction: OnAction;
  /** Tasks that were heard of: a thread that is older than the recording joins its process. */
  private readonly seen = new Set<number>();
  private untimed = 0;

  constructor(onAction: OnAction) {
    this.onAction = onAction;
    this.events = new KernelEvents((action, timeUs) => {
      if (action.op === 'birth') this.seen.add(action.child);
      onAction(action, timeUs);
    });
  }

  get faults(): number {
    return this.events.faults;
  }

  get warnings(): readonly Warning[] {
    if (this.untimed === 0) return [];
    const message =
      'the clock counts no seconds: times and grace periods of the trace mean nothing ' +
      '(trace_clock: local, global, mono, boot, tai or perf)';
    return [{ code: 'no-clock', message, doubtful: false }];
  }

  line(text: string): Placed {
    if (text.length > SHORT_CHARACTERS) return 'unplaced';
    if (NO_EVENT.test(text)) return 'skipped';
    const task = TASK.exec(text);
    const event = task === null ? null : EVENT.exec(text.slice(task[0].length));
    if (task !== null && event !== null) {
      const [, whole = '', fraction, name = '', given = ''] = event;
      if (fraction === undefined) this.untimed++;
      const timeUs = fraction === undefined ? Number(whole) : microseconds(whole + fraction);
      this.join(Number(task[3] ?? Number.NaN), Number(task[2]), timeUs);
      return this.events.event(Number(task[2]), name, given, timeUs);
    }
    const [, , tid, time, name = '', given = ''] = LATENCY.exec(text) ?? [];
    if (tid !== undefined) return this.events.event(Number(tid), name, given, Number(time));
    return /LOST \d+ EVENTS/.test(text) ? 'lost' : 'unplaced';
  }

  private join(process: number, task: number, timeUs: number): void {
    if (this.seen.has(task)) return;
    this.seen.add(task);
    if (!(process > 0) || process === task) return;
    const thread = { sharesMm: true, thread: true, sinceUs: timeUs };
    this.onAction({ op: 'birth', task: process, child: task, ...thread }, timeUs);
  }
}

export const FTRACE: Recorder = {
  name: 'ftrace',
  hasFaults: true,
  makeParser: (onAction) => new FtraceParser(onAction),
};
