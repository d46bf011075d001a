/**
 * `perf trace -F all -e mmap,munmap,…`: faults and calls in one text.
 *
 *      0.170 ( 0.000 ms): h/9043 minfault [_start+0x0] => /usr/lib/ld.so@0x1ab70 (d.)
 *      0.549 ( 0.017 ms): make/24017 mmap(len: 8192, prot: READ|WRITE, …)   = 0x7fda1145f000
 *    245.030 (         ): node/17247 clone3(uargs: 0x7ffd27676490, size: 88)    ...
 *    245.238 (         ): node/17247 task:task_newtask(pid: 17248 (node), …)
 *    245.030 ( 0.240 ms): node/17247  ... [continued]: clone3())           = 17248
 *          ? (         ): node/17248  ... [continued]: clone3())           = 0
 *
 * A call is printed when it returns, with the time of its entry. Faults in files are printed as
 * file and offset. The tracepoints task_newtask and sched_process_exit say what calls leave open
 * (clone3's flags, which thread exits); without them a clone3 is taken for a thread's, and
 * exit_group ends a whole group.
 */
import type { Action, OnAction } from './action.js';
import { birthFlags, bitsOf, isThread, MEMORY_CALLS, memoryAction, sharesMm } from './calls.js';
import {
  hex,
  type LineParser,
  number,
  type Placed,
  type Recorder,
  SHORT_CHARACTERS,
  type Warning,
} from './line-parser.js';

/** One process's lines can be without a task, and tasks without their command. */
const LINE = /^ *(\?|[\d.]+) \( *(?:([\d.]+) ms)? *\): +(?:(?:(.{1,16}?)\/)?(\d+) )?(.*)$/;
const FAULT = /^(?:min|maj)fault \[.*?\] => (.+) \((.)(.)\)$/;
const CALL = /^(\w+)\((.*)$/;
const EVENT = /^(\w+):(\w+)\((.*)\)$/;
const CONTINUED = /^ *\.\.\. \[continued\]: (\w+)\(/;
const NO_EVENT =
  /^(?:$| *Summary of events| *\S.{0,20} \(\d+\), \d| +syscall | +\(msec\)| +-+|Warning:|#)/;
/** Rows of that summary, and stacks (--call-graph). */
const ROW = /^(?: {3}\w+ +\d+ +\d+ +[\d.]+ | {20,}\S)/;

/** The process whose tid is not printed. */
const ONLY = 0;

/** Mappings whose faults are printed with their address. */
const BY_ADDRESS = /^(?:\/\/anon|\/anon_hugepage|\/dev\/zero|\/SYSV|\[heap\]|\[stack)/;

const DURATION_MS_MAX = 1e9;

/** clone3's flags are not printed: most are a thread's. */
const CLONE3_FLAGS: number = bitsOf('CLONE', 'VM|THREAD');

class PerfTraceParser implements LineParser {
  faults = 0;
  private readonly onAction: OnAction;
  private timeUs = 0;
  /** Arguments of calls that have begun, by tid. */
  private readonly begun = new Map<number, string>();
  private hasBirths = false;
  private hasExits = false;
  private guessed = 0;

  constructor(onAction: OnAction) {
    this.onAction = onAction;
  }

  get warnings(): readonly Warning[] {
    if (this.guessed === 0) return [];
    const message =
      `${this.guessed} calls of clone3 were taken for the start of a thread: perf prints no ` +
      'flags of it (-e task:task_newtask,sched:sched_process_exit tells)';
    return [{ code: 'guessed-threads', message, doubtful: false }];
  }

  line(text: string): Placed {
    if (text.length > SHORT_CHARACTERS) return 'unplaced';
    const match = LINE.exec(text);
    if (match === null) {
      if (/\bLOST \d+ events/.test(text)) return 'lost';
      return NO_EVENT.test(text) || ROW.test(text) ? 'skipped' : 'unplaced';
    }
    const [, start = '', duration = '0', , tid, rest = ''] = match;
    // What began before perf did is printed with no time, or with 2^64 ns less a bit.
    const isUnknown = start === '?' || Number(start) > DURATION_MS_MAX * 1000;
    const beganUs = isUnknown ? this.timeUs : Math.round(Number(start) * 1e3);
    // A call that seems to end before it began is printed with a duration of 2^64 ns, less a bit.
    const lasted = Number(duration) < DURATION_MS_MAX ? Number(duration) : 0;
    this.timeUs = isUnknown ? beganUs : beganUs + Math.round(lasted * 1e3);
    return this.event(Number(tid ?? ONLY), rest, beganUs);
  }

  private event(task: number, rest: string, beganUs: number): Placed {
    const fault = FAULT.exec(rest);
    if (fault !== null) return this.fault(task, fault[1] as string, fault[2] === '?');
    const continued = CONTINUED.exec(rest);
    if (continued !== null) {
      const given = this.begun.get(task);
      this.begun.delete(task);
      return this.finished(task, continued[1] as string, given, resultOf(rest), beganUs);
    }
    const event = EVENT.exec(rest);
    if (event !== null) return this.tracepoint(task, event[2] as string, event[3] as string);
    const call = CALL.exec(rest);
    if (call === null) return 'unplaced';
    const [, name = '', given = ''] = call;
    if (/ \.\.\.$/.test(given)) {
      this.begun.set(task, given);
      return 'used';
    }
    return this.finished(task, name, given, resultOf(rest), beganUs);
  }

  private fault(task: number, target: string, early: boolean): Placed {
    this.faults++;
    const at = target.lastIndexOf('@');
    const path = at < 0 ? '' : target.slice(0, at);
    const where = hex(target.slice(at + 1));
    if (Number.isNaN(where)) return 'unplaced';
    if (at < 0 || BY_ADDRESS.test(path)) this.emit({ op: 'fault', task, at: where, early });
    else this.emit({ op: 'file-fault', task, path, offset: where });
    return 'used';
  }

  private tracepoint(task: number, name: string, given: string): Placed {
    const pid = /\bpid: (\d+)/.exec(given);
    if (name === 'task_newtask' && pid !== null) {
      const flags = Number(/\bclone_flags: (\d+)/.exec(given)?.[1] ?? 0);
      this.hasBirths = true;
      this.birth(task, Number(pid[1]), flags, this.timeUs);
      return 'used';
    }
    if (name === 'sched_process_exit') {
      this.hasExits = true;
      this.emit({ op: 'exit', task });
      return 'used';
    }
    return 'skipped';
  }

  /** A call has returned. `given` is unknown where its beginning was not recorded. */
  private finished(
    task: number,
    call: string,
    given: string | undefined,
    result: string,
    beganUs: number,
  ): Placed {
    if (MEMORY_CALLS.has(call)) return this.memory(task, call, given ?? '', result);
    const flags = birthFlags(call);
    if (flags !== null) {
      if (!this.hasBirths) this.returned(task, call, flags, given ?? '', result, beganUs);
      return 'used';
    }
    if (call === 'execve' || call === 'execveat') {
      if (result === '0') this.emit({ op: 'exec', task, former: task });
      return 'used';
    }
    if (call === 'exit_group') {
      if (!this.hasExits) this.emit({ op: 'exit-group', task });
      return 'used';
    }
    return 'skipped';
  }

  /** From a call that makes a task, in the parent or in the child. */
  private returned(
    task: number,
    call: string,
    flags: number,
    given: string,
    result: string,
    beganUs: number,
  ): void {
    if (result === '' || result === '0') {
      this.emit({ op: 'orphan', task });
      return;
    }
    const child = Number.parseInt(result, 10);
    if (!(child > 0)) return;
    const printed = /flags: ([\w|]+)/.exec(given)?.[1] ?? '';
    if (call === 'clone3') this.guessed++;
    const cloneFlags = call === 'clone3' ? CLONE3_FLAGS : bitsOf('CLONE', printed);
    this.birth(task, child, flags < 0 ? cloneFlags : flags, beganUs);
  }

  private birth(task: number, child: number, flags: number, sinceUs: number): void {
    const [shares, thread] = [sharesMm(flags), isThread(flags)];
    this.emit({ op: 'birth', task, child, sharesMm: shares, thread, sinceUs });
  }

  private memory(task: number, call: string, given: string, result: string): Placed {
    const field = (name: string): string =>
      new RegExp(`\\b${name}: ([^,)]+)`).exec(given)?.[1] ?? '0';
    const length = number(call === 'mremap' ? field('old_len') : field('len'));
    const isRemap = call === 'mremap';
    const called = {
      address: number(call.endsWith('mprotect') ? field('start') : field('addr')),
      length,
      newLength: number(field('new_len')),
      protection: bitsOf('PROT', field('prot')),
      flags: bitsOf(isRemap ? 'MREMAP' : 'MAP', field('flags')),
      offset: number(field('off')),
    };
    const action = memoryAction(task, call, called, number(result));
    if (action !== null) this.emit(action);
    return 'used';
  }

  private emit(action: Action): void {
    this.onAction(action, this.timeUs);
  }
}

/** What stands behind the last `=`, without what is explained in parentheses. */
function resultOf(rest: string): string {
  const at = rest.lastIndexOf(' =');
  return at < 0
    ? ''
    : (rest
        .slice(at + 2)
        .trim()
        .split(' ')[0] ?? '');
}

export const PERF_TRACE: Recorder = {
  name: 'perf-trace',
  hasFaults: true,
  makeParser: (onAction) => new PerfTraceParser(onAction),
};
