/**
 * `strace -f -ttt -e trace=%memory,%process`: calls, no faults.
 *
 *   8985  1795346177.284751 mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, -1, 0) = 0x7fc703f64000 <0.0>
 *   [pid 10180] mmap(0x32cde8c00000, 520192, …, -1, 0 <unfinished ...>
 *   [pid 10180] <... mmap resumed>)  = 0x32cde8c00000
 *   8985  1795346177.3 +++ exited with 0 +++
 *
 * A line without a pid is of the first process, which has none until there is a second. On a
 * terminal a line can break: what strace has to say, or what the program writes there, stands in
 * the middle of a call, which goes on in the next line.
 */
import type { Action, OnAction } from './action.js';
import { birthFlags, bitsOf, MEMORY_CALLS, memoryAction } from './calls.js';
import {
  type LineParser,
  number,
  type Placed,
  type Recorded,
  type Recorder,
  type Warning,
} from './line-parser.js';
import { readCall } from './strace-call.js';
import { OddLog } from './strace-odd.js';
import { StracePrefix } from './strace-prefix.js';
import { type Begun, type ReturnedPid, StraceTasks } from './strace-tasks.js';

const CALL = /^(\w+)\((.*)$/;
const RESUMED = /^<\.\.\. (\w+) resumed>(.*)$/;
const UNFINISHED = / <(?:unfinished|detached) \.\.\.>(?:\) += \?)?$/;
const RETURNED = /\) *= +(?:\?|-?\d+|-?0x[\da-f]+)(?:$|[ <])/;
const SKIPPED = /^(?:---|strace: |\[ Process |<(?:unfinished|detached) |\?\?\?\?|$)/;
const NOTICE = new RegExp(
  '(?:strace: )?Process (\\d+) (attached|detached|suspended|resumed)' +
    '(?: with (\\d+) threads)?(?: \\([\\w ]+\\))?$',
);
/** A line that has its own beginning: no program wrote it, and no call ends with it. */
const OWN = /^(?:\[pid +\d|\d+(?:<[^>]*>)? +)?[^"(]*(?:\+\+\+ |<\.\.\. \w+ resumed>)/;
/** Stacks (-k), what `script` adds. */
const NO_EVENT = /^(?:$| > |Script (?:started|done) on )/;
const SUMMARY = /^(?:% time |-{4,} -{4,}| *\d+\.\d\d +\d+\.\d{6} +\d|System call usage summary)/;
/** What these write to a terminal stands in their own line. */
const WRITES = /^(?:write|writev|pwrite64|pwritev2?|send|sendto|sendmsg)$/;

const ENDS: ReadonlySet<string> = new Set(['exit', 'exit_group']);
const WAITS: ReadonlySet<string> = new Set(['wait4', 'waitpid', 'waitid']);

/** No call that makes a task lasts so long: then the clock has gone back. */
const BEHIND_US = 1_000_000;

/** A line that breaks off. */
interface Broken {
  readonly text: string;
  readonly call: string;
  /** By what the program wrote: that may have lines of its own. */
  readonly byProgram: boolean;
}

class StraceParser implements LineParser {
  readonly faults = 0;
  private readonly onAction: OnAction;
  private readonly prefix = new StracePrefix();
  private readonly tasks: StraceTasks;
  /** Calls that have not returned, by tid. */
  private readonly begun = new Map<number, Begun>();
  private broken: Broken | null = null;
  /** The task whose call the line before broke off. */
  private unfinished: number | null = null;
  private latestUs = 0;
  private readonly odd = new OddLog();
  /** A child that strace named in the middle of the call that made it. */
  private named = 0;
  /** By a thread's exec: the tid under which it called, by its new one. */
  private readonly former = new Map<number, number>();

  constructor(onAction: OnAction, how: Recorded) {
    this.onAction = onAction;
    this.tasks = new StraceTasks((action) => this.emit(action), how);
  }

  get warnings(): readonly Warning[] {
    return [...this.odd.warnings, ...this.tasks.warnings];
  }

  line(text: string): Placed {
    if (NO_EVENT.test(text) || SUMMARY.test(text)) return 'skipped';
    const notice = text.includes('Process ') ? NOTICE.exec(text) : null;
    if (notice !== null && !RETURNED.test(text)) return this.noticed(text, notice);
    const { broken } = this;
    if (broken === null) return this.whole(text);
    if (!broken.byProgram) return this.rejoined(broken.text + text);
    const returned = RETURNED.exec(text)?.index ?? -1;
    const isOwn = OWN.test(text) || /\w\(/.test(text.slice(0, Math.max(returned, 0)));
    if (isOwn || returned >= 0 || UNFINISHED.test(text)) this.broken = null;
    return isOwn ? this.whole(text) : 'skipped';
  }

  end(): void {
    this.tasks.end();
  }

  /** What strace says of a process: perhaps in the middle of a line. */
  private noticed(text: string, notice: RegExpExecArray): Placed {
    const [, pid = '', what, threads = '1'] = notice;
    const before = text.slice(0, notice.index);
    if (before.trim() !== '') this.breakOff(before, false);
    if (birthFlags(this.broken?.call ?? '') !== null) this.named = Number(pid);
    const isOld = !notice[0].startsWith('strace: ');
    if (what === 'attached') this.tasks.attach(Number(pid), Number(threads));
    // Before 4.7 this was all that strace said of an exit.
    else if (what === 'detached' && isOld) this.exit(this.tasks.idOf(Number(pid)));
    return 'skipped';
  }

  private breakOff(text: string, byProgram: boolean): void {
    const whole = (this.broken?.text ?? '') + text;
    this.broken = { text: whole, call: /(\w{1,40})\(/.exec(whole)?.[1] ?? '', byProgram };
  }

  private rejoined(text: string): Placed {
    this.broken = null;
    const placed = this.whole(text);
    this.named = 0;
    return placed;
  }

  private whole(text: string): Placed {
    const { unfinished } = this;
    this.unfinished = null;
    const rest = this.prefix.read(text);
    this.latestUs = Math.max(this.latestUs, this.timeUs);
    if (SKIPPED.test(rest)) return 'skipped';
    const call = CALL.exec(rest);
    const resumed = call === null ? RESUMED.exec(rest) : null;
    const isExit = rest.startsWith('+++ ');
    if (call === null && resumed === null && !isExit) return this.tail(unfinished, text);
    if (call !== null && this.isBroken(call[1] as string, call[2] as string)) {
      this.breakOff(text, true);
      return 'skipped';
    }
    const task = this.tasks.taskOf(this.prefix.pid, rest, this.begun);
    if (isExit) return this.ended(task, rest);
    if (resumed !== null) return this.resumed(task, resumed[1] as string, resumed[2] as string);
    return this.called(task, call?.[1] as string, call?.[2] as string);
  }

  /** The end of the call in the line before, without a beginning of its own. */
  private tail(unfinished: number | null, text: string): Placed {
    const call = unfinished === null ? undefined : this.begun.get(unfinished)?.call;
    if (unfinished === null || call === undefined || !RETURNED.test(text)) return 'unplaced';
    this.odd.late++;
    return this.resumed(unfinished, call, text);
  }

  private isBroken(call: string, given: string): boolean {
    return WRITES.test(call) && !RETURNED.test(given) && !UNFINISHED.test(given);
  }

  private called(task: number, call: string, given: string): Placed {
    if (call === 'exit_group') this.emit({ op: 'exit-group', task });
    const cut = UNFINISHED.exec(given);
    const flags = flagsIn(call, given);
    const since = { sinceUs: this.timeUs, child: this.named, isHeard: false };
    const begun = { call, given, flags, ...since };
    if (cut === null) {
      if (flags !== null && this.isLate(given)) this.odd.late++;
      return this.finished(task, begun);
    }
    // Any other call breaks off like that when strace itself is stopped.
    if (cut[0].includes('detached') && call.startsWith('execve')) this.odd.detached++;
    this.unfinished = task;
    this.begun.set(task, { ...begun, given: given.slice(0, cut.index) });
    return 'used';
  }

  /** A line of its own, though the child that it returns had lines before. */
  private isLate(given: string): boolean {
    const child = Number(readCall(given).result);
    const behindUs = this.latestUs - this.timeUs;
    const isBehind = behindUs > 0 && behindUs < BEHIND_US;
    return child > 0 && (isBehind || this.tasks.isHeard(child));
  }

  private resumed(task: number, call: string, rest: string): Placed {
    const former = this.former.get(task) ?? task;
    const known = this.begun.get(former);
    this.begun.delete(former);
    if (/^\)? += \?$/.test(rest) && call !== 'exit') return 'skipped';
    const nothing = { given: '', flags: null, sinceUs: this.timeUs, child: 0, isHeard: false };
    const begun = known?.call === call ? known : nothing;
    return this.finished(task, { ...begun, call, given: begun.given + rest });
  }

  /** A call has returned; `begun.given` is all that was printed of it. */
  private finished(task: number, begun: Begun): Placed {
    const { call, given } = begun;
    const memory = MEMORY_CALLS.has(call);
    const makes = birthFlags(call) !== null;
    const isExec = call === 'execve' || call === 'execveat';
    if (!memory && !makes && !isExec && !ENDS.has(call) && !WAITS.has(call)) {
      return RETURNED.test(given) ? 'skipped' : 'unplaced';
    }
    const { words, result } = readCall(given);
    if (result === '') return 'unplaced';
    if (memory) return this.memory(task, call, words, result);
    if (makes && Number(result) > 0) {
      this.tasks.returned(task, flagsIn(call, given) ?? 0, pidIn(result, given), begun);
    } else if (isExec && result === '0') {
      this.emit({ op: 'exec', task, former: this.former.get(task) ?? task });
      this.former.delete(task);
    } else if (call === 'exit') this.emit({ op: 'exit', task });
    else if (WAITS.has(call)) this.waited(call, words, pidIn(result, given));
    return 'used';
  }

  private waited(call: string, words: readonly string[], returned: ReturnedPid): void {
    const { 1: status = '', 2: info = '' } = words;
    if (call !== 'waitid') {
      if (returned.pid > 0 && !/WIFSTOPPED|WIFCONTINUED/.test(status)) this.tasks.waited(returned);
      return;
    }
    const [, pid] = /\bsi_code=CLD_(?:EXITED|KILLED|DUMPED), si_pid=(\d+)/.exec(info) ?? [];
    if (pid === undefined || returned.pid !== 0) return;
    this.tasks.waited({ pid: Number(pid), translated: null });
  }

  private ended(task: number, rest: string): Placed {
    const superseded = /^\+\+\+ superseded by execve in pid (\d+)/.exec(rest);
    if (superseded !== null) {
      this.former.set(task, Number(superseded[1]));
      this.begun.delete(task);
      this.emit({ op: 'exit', task });
    } else if (!/^\+\+\+ (?:exited with|killed by)/.test(rest)) return 'unplaced';
    else this.exit(task);
    return 'used';
  }

  private exit(task: number): void {
    this.begun.delete(task);
    this.emit({ op: this.tasks.ended(task) ? 'exit-group' : 'exit', task });
  }

  private memory(task: number, call: string, words: readonly string[], result: string): Placed {
    if (!/^0x|^\d/.test(result)) return 'used';
    const [first = '', second = '', third = '', fourth = ''] = words;
    const isRemap = call === 'mremap';
    const called = {
      address: number(first),
      length: number(second || '0'),
      newLength: isRemap ? number(third) : 0,
      protection: isRemap ? 0 : bitsOf('PROT', third),
      flags: bitsOf(isRemap ? 'MREMAP' : 'MAP', fourth),
      offset: /mmap/.test(call) ? number(words.at(-1) ?? '0') : 0,
    };
    if (Number.isNaN(called.address + called.length + called.newLength)) return 'unplaced';
    const action = memoryAction(task, call, called, number(result));
    if (action !== null) this.emit(action);
    return 'used';
  }

  private get timeUs(): number {
    return this.prefix.timeUs;
  }

  private emit(action: Action): void {
    this.onAction(action, this.timeUs);
  }
}

/** What --pidns-translation adds to a pid that is returned. */
const TRANSLATED = /= \d+ \/\* (\d+) in strace's PID NS \*\//;

function pidIn(result: string, given: string): ReturnedPid {
  const translated = TRANSLATED.exec(given)?.[1];
  return { pid: Number(result), translated: translated === undefined ? null : Number(translated) };
}

/** What a call makes a task with; null: none, or it is not printed so far. */
function flagsIn(call: string, given: string): number | null {
  const own = birthFlags(call);
  if (own === null || own >= 0) return own;
  const [, printed] = /\bflags=([\w|]+)/.exec(readCall(given).words.join()) ?? [];
  return printed === undefined ? null : bitsOf('CLONE', printed);
}

export const STRACE: Recorder = {
  name: 'strace',
  hasFaults: false,
  makeParser: (onAction, how) => new StraceParser(onAction, how),
};
