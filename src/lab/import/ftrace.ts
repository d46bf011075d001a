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
import { type LineParser, microseconds, type Placed, type Recorder } from './line-parser.js';

const TASK = /^ *(.+)-(\d+) +(?:\([-\d ]+\) +)?\[\d+\] +(?:[^\s:]{4,8} +)?(?=\d)/;
const EVENT = /^(\d+\.\d+): (\w+)(?:: *|(?= ->)|(?=\()) ?(.*)$/;
const NO_EVENT = /^(?:#|$|cpus=|version = |CPU \d+ is empty|trace-cmd: )/;

class FtraceParser implements LineParser {
  private readonly events: KernelEvents;

  constructor(onAction: OnAction) {
    this.events = new KernelEvents(onAction);
  }

  get faults(): number {
    return this.events.faults;
  }

  line(text: string): Placed {
    const task = TASK.exec(text);
    const event = task === null ? null : EVENT.exec(text.slice(task[0].length));
    if (task !== null && event !== null) {
      const [, seconds = '', name = '', given = ''] = event;
      return this.events.event(Number(task[2]), name, given, microseconds(seconds));
    }
    if (/LOST \d+ EVENTS/.test(text)) return 'lost';
    return NO_EVENT.test(text) ? 'skipped' : 'unplaced';
  }
}

export const FTRACE: Recorder = {
  name: 'ftrace',
  hasFaults: true,
  makeParser: (onAction) => new FtraceParser(onAction),
};
