/**
 * `strace -f -ttt -e trace=%memory,%process`: calls, no faults.
 *
 *   8985  1795346177.284751 mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, -1, 0) = 0x7fc703f64000 <0.0>
 *   [pid 10180] mmap(0x32cde8c00000, 520192, …, -1, 0 <unfinished ...>
 *   [pid 10180] <... mmap resumed>)  = 0x32cde8c00000
 *   8985  1795346177.3 +++ exited with 0 +++
 *
 * Times can be in seconds (-ttt), of day (-t, -tt), since the last line (-r), or missing: then a
 * line counts as 100 microseconds. A line without a pid is of the first process, which has none
 * until there is a second.
 */
import type { Action, OnAction } from './action.js';
import { birthFlags, bitsOf, isThread, MEMORY_CALLS, memoryAction, sharesMm } from './calls.js';
import {
  type LineParser,
  microseconds,
  number,
  type Placed,
  type Recorder,
} from './line-parser.js';

const PREFIX = /^(?:\[pid +(\d+)\] |(\d+) +)?(?:(\d\d):(\d\d):(\d\d(?:\.\d+)?) |( *\d+\.\d+) )?/;
const CALL = /^(\w+)\((.*)$/;
const RESUMED = /^<\.\.\. (\w+) resumed>(.*)$/;
const UNFINISHED = ' <unfinished ...>';
/** On a terminal, strace says so in the middle of a line. */
const INTERRUPTED = /^(\w+)\((.*?)strace: Process \d+ attached$/;
const RESULT = /\) += (\?|-?\d+|0x[\da-f]+)(?: .*)?$/;
const SKIPPED = /^(?:---|strace: |Process \d+ |<unfinished |\?\?\?\?|$| > )/;

const UNTIMED_US = 100;
const DAY_US = 86_400e6;
/** Smaller times with a fraction are since the last line. */
const RELATIVE_SECONDS_MAX = 1e7;

/** The process whose pid is not printed. */
const FIRST = 0;

interface Begun {
  readonly call: string;
  readonly given: string;
  readonly sinceUs: number;
  /** The task that it made, if that was heard of before the call returned. */
  child: number;
}

class StraceParser implements LineParser {
  readonly faults = 0;
  private readonly onAction: OnAction;
  private timeUs = 0;
  private lastOfDayUs = 0;
  /** Calls that have not returned, by tid. */
  private readonly begun = new Map<number, Begun>();
  private readonly known = new Set<number>();
  /** The pid of the process that was FIRST. */
  private firstPid = -1;
  /** By a thread's exec: the tid under which it called, by its new one. */
  private readonly former = new Map<number, number>();

  constructor(onAction: OnAction) {
    this.onAction = onAction;
  }

  line(text: string): Placed {
    const match = PREFIX.exec(text) as RegExpExecArray;
    const rest = text.slice(match[0].length).trimStart();
    this.readTime(match);
    if (SKIPPED.test(rest)) return 'skipped';
    const pid = match[1] ?? match[2];
    const task = this.taskOf(pid === undefined ? FIRST : Number(pid));
    if (rest.startsWith('+++ ')) return this.ended(task, rest);
    const resumed = RESUMED.exec(rest);
    if (resumed !== null) return this.resumed(task, resumed[1] as string, resumed[2] as string);
    const interrupted = INTERRUPTED.exec(rest);
    if (interrupted !== null) {
      return this.begins(task, interrupted[1] as string, interrupted[2] as string);
    }
    const call = CALL.exec(rest);
    if (call === null) return 'unplaced';
    const [, name = '', given = ''] = call;
    if (given.endsWith(UNFINISHED) || / <unfinished \.\.\.>\) += \?$/.test(given)) {
      return this.begins(task, name, given.slice(0, given.indexOf(UNFINISHED)));
    }
    const result = RESULT.exec(given);
    if (result === null) return 'unplaced';
    const inner = given.slice(0, result.index);
    return this.finished(task, name, inner, result[1] as string, this.timeUs, 0);
  }

  private begins(task: number, call: string, given: string): Placed {
    this.begun.set(task, { call, given, sinceUs: this.timeUs, child: 0 });
    return 'used';
  }

  private readTime([, , , hours, minutes, seconds, decimal]: RegExpExecArray): void {
    if (hours !== undefined) {
      const ofDayUs = (Number(hours) * 60 + Number(minutes)) * 60e6 + microseconds(seconds ?? '0');
      // A clock that jumps back by half a day has passed midnight.
      const passed = this.lastOfDayUs - ofDayUs > DAY_US / 2 ? DAY_US : 0;
      this.timeUs += this.timeUs === 0 ? ofDayUs : ofDayUs + passed - this.lastOfDayUs;
      this.lastOfDayUs = ofDayUs;
    } else if (decimal === undefined) this.timeUs += UNTIMED_US;
    else if (Number(decimal) < RELATIVE_SECONDS_MAX) this.timeUs += microseconds(decimal);
    else this.timeUs = microseconds(decimal);
  }

  private taskOf(pid: number): number {
    if (pid === this.firstPid) return FIRST;
    if (this.known.has(pid)) return pid;
    const making = [...this.begun].filter(([, b]) => birthFlags(b.call) !== null && b.child === 0);
    if (this.known.has(FIRST) && this.firstPid < 0 && making.every(([task]) => task !== FIRST)) {
      this.firstPid = pid;
      return FIRST;
    }
    this.known.add(pid);
    const [only] = making;
    if (only !== undefined && making.length === 1) {
      only[1].child = pid;
      this.birth(only[0], only[1].call, only[1].given, pid, only[1].sinceUs);
    } else if (making.length > 1) this.emit({ op: 'orphan', task: pid });
    return pid;
  }

  private ended(task: number, rest: string): Placed {
    const superseded = /^\+\+\+ superseded by execve in pid (\d+)/.exec(rest);
    if (superseded !== null) this.former.set(task, Number(superseded[1]));
    else if (!/^\+\+\+ (?:exited with|killed by)/.test(rest)) return 'unplaced';
    else this.known.delete(task);
    this.begun.delete(task);
    this.emit({ op: 'exit', task });
    return 'used';
  }

  private resumed(task: number, call: string, rest: string): Placed {
    const former = this.former.get(task);
    const begun = this.begun.get(former ?? task);
    this.begun.delete(former ?? task);
    const result = RESULT.exec(rest);
    if (result === null) return / \?$/.test(rest) ? 'skipped' : 'unplaced';
    const { given = '', sinceUs = this.timeUs, child = 0 } = begun?.call === call ? begun : {};
    const inner = given + rest.slice(0, result.index);
    return this.finished(task, call, inner, result[1] as string, sinceUs, child);
  }

  private finished(
    task: number,
    call: string,
    given: string,
    result: string,
    sinceUs: number,
    heardOf: number,
  ): Placed {
    if (MEMORY_CALLS.has(call)) return this.memory(task, call, given, result);
    if (birthFlags(call) !== null) {
      const child = Number(result);
      if (child > 0 && child !== heardOf) {
        this.known.add(child);
        this.birth(task, call, given, child, sinceUs);
      }
      return 'used';
    }
    if (call !== 'execve' && call !== 'execveat') return 'skipped';
    if (result === '0') {
      this.emit({ op: 'exec', task, former: this.former.get(task) ?? task });
      this.former.delete(task);
    }
    return 'used';
  }

  private birth(task: number, call: string, given: string, child: number, sinceUs: number): void {
    const printed = /\bflags=([\w|]+)/.exec(given)?.[1] ?? '';
    const own = birthFlags(call) ?? 0;
    const flags = own < 0 ? bitsOf('CLONE', printed) : own;
    const [shares, thread] = [sharesMm(flags), isThread(flags)];
    this.emit({ op: 'birth', task, child, sharesMm: shares, thread, sinceUs });
  }

  private memory(task: number, call: string, given: string, result: string): Placed {
    if (!/^0x|^\d/.test(result)) return 'used';
    const words = given.split(', ');
    const [first = '', second = '', third = '', fourth = ''] = words;
    const isRemap = call === 'mremap';
    const isMap = call === 'mmap' || call === 'mmap2';
    const called = {
      address: number(first),
      length: number(second || '0'),
      newLength: isRemap ? number(third) : 0,
      protection: isRemap ? 0 : bitsOf('PROT', third),
      flags: bitsOf(isRemap ? 'MREMAP' : 'MAP', fourth),
      offset: isMap ? number(words.at(-1) ?? '0') : 0,
    };
    if (Number.isNaN(called.address + called.length + called.newLength)) return 'unplaced';
    const action = memoryAction(task, call, called, number(result));
    if (action !== null) this.emit(action);
    return 'used';
  }

  private emit(action: Action): void {
    this.onAction(action, this.timeUs);
  }
}

export const STRACE: Recorder = {
  name: 'strace',
  hasFaults: false,
  makeParser: (onAction) => new StraceParser(onAction),
};
