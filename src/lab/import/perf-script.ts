/**
 * `perf script` of page faults, recorded with their addresses (`perf record -e page-faults -d`).
 *
 *   cc1  9035/9035  [000]   778.769734: page-faults:          23cc978
 *   node 17344/17344 13685.095310: PERF_RECORD_MMAP2 17344/17344: [0x400000(0x76f000) @ 0 …]: r--p
 *   node 17344/17344 13685.157193: PERF_RECORD_FORK(17344:17346):(17344:17344)
 *   node 17344/17344 13685.157198: task:task_newtask: pid=17346 comm=node clone_flags=3d0f00 …
 *   node 17344/17344 13685.095767: syscalls:sys_exit_munmap: 0x0
 *
 * perf's own records (--show-task-events, --show-mmap-events) and tracepoints say some things
 * twice; the first kind that is seen counts. perf knows no record of an unmapping: without the
 * tracepoints of munmap, brk and mremap tables are freed by exec and exit alone. A mapping record
 * can tell of a range that has grown, so it only adds.
 */
import type { OnAction } from './action.js';
import { KernelEvents } from './kernel-events.js';
import {
  hex,
  type LineParser,
  matchAt,
  microseconds,
  type Placed,
  type Recorder,
  SHORT_CHARACTERS,
  type Warning,
} from './line-parser.js';

/** A command can be missing, and so can a time; K, U and the like say in which mode it was. */
const EVENTS = '(?:(?:page-|minor-|major-)?faults(?::\\w+)?|\\w+:\\w+): |PERF_RECORD_';
const TASK = new RegExp(
  '^ *(?:(\\S.{0,31}?) +)?(-?\\d+)(?:/(-?\\d+))? +(?:\\[\\d+\\] +)?(?:[A-Z][A-Za-z]? +)?' +
    `(?=\\d+\\.\\d+: |(?:\\d+ +)?(?:${EVENTS}))`,
);
const TIMED = /(\d+\.\d+): +(?:(\d+) +)?/y;
const UNTIMED = /(?:(\d+) +)?/y;
const EVENT = /^(?:(\w+):)?([\w-]+)(?::[a-zA-Z]+)?: *(.*)$/;
const RECORD = /^PERF_RECORD_([A-Z_0-9]+)(.*)$/;
const MAPPING =
  /^ (-?\d+)\/(\d+): \[(0x[\da-f]+)\((0x[\da-f]+)\) @ (0x[\da-f]+|0)[^\]]*\]: (\S+) (.*)$/;
const FORK = /^\((\d+):(\d+)\):\((\d+):(\d+)\)/;
/** Stacks, and places in sources. */
const STACK = /^(?:\t\s*[\da-f]+(?: |$)|\s+[\da-f]{1,16} (?!.*(?:\d\.\d+: |faults)).*\)$)/;
const NO_EVENT = /^(?:#|\s*$|\s+\S*(?::\d+|\[[\da-f]+\])$|build id event received )/;
/** A second number behind the first: where the program was. */
const PLACE = /\s(?=[a-f]*\d)[\da-f]{4,16}(?=\s|$)/;
const FAULTS = new Set(['page-faults', 'faults', 'minor-faults', 'major-faults']);

/** Without times, a line counts as so long. */
const UNTIMED_US = 100;

/** One fault in so many may have no address, or one of the kernel's. */
const ADDRESSED_SHARE = 20;

const ADDRESSES =
  'faults with their addresses: perf record -d, perf script -F comm,pid,tid,time,event,addr,trace';

/** What a birth's flags are when only perf's record tells of it. */
const FORKED = { sharesMm: false, thread: false };
const THREAD = { sharesMm: true, thread: true };

interface Born {
  readonly task: number;
  readonly child: number;
  readonly timeUs: number;
}

class PerfScriptParser implements LineParser {
  private readonly onAction: OnAction;
  private readonly events: KernelEvents;
  private timeUs = 0;
  /** Which of two sources tells of execs and of exits: the first that was seen. */
  private readonly source = new Map<string, 'record' | 'tracepoint'>();
  /** Tasks that were heard of: a thread that is older than the recording joins its process. */
  private readonly seen = new Set<number>();
  /** A process that a record told of: perhaps vfork's, which its task_newtask will say. */
  private readonly born = new Map<number, Born>();
  private unaddressed = 0;
  private sampled = 0;
  /** What stands for more than itself, by the period that is printed before it. */
  private period = 1;

  constructor(onAction: OnAction) {
    this.onAction = onAction;
    this.events = new KernelEvents(onAction);
  }

  get faults(): number {
    return this.events.faults;
  }

  /** Numbers of the kernel are no addresses that programs touch: places in its code. */
  get advice(): string | null {
    const without = this.unaddressed + this.events.kernelFaults;
    const all = this.unaddressed + this.events.faults;
    return without * ADDRESSED_SHARE > all ? ADDRESSES : null;
  }

  get warnings(): readonly Warning[] {
    const warnings: Warning[] = [];
    if (this.source.size === 0 && this.born.size === 0) {
      const message =
        'no line tells of forks, execs or exits: perf script --show-task-events ' +
        '--show-mmap-events';
      warnings.push({ code: 'no-task-events', message, doubtful: true });
    }
    if (this.sampled > 0) {
      const message =
        `${this.sampled} faults stand for several, of which nothing is known: ` +
        'perf record -c 1';
      warnings.push({ code: 'sampled-faults', message, doubtful: true });
    }
    return warnings;
  }

  line(text: string, next: string | null): Placed {
    if (text.length > SHORT_CHARACTERS) return 'unplaced';
    if (STACK.test(text) || NO_EVENT.test(text)) return 'skipped';
    const match = TASK.exec(text);
    if (match === null) return 'unplaced';
    const [before, , pid, tid] = match;
    const timed = matchAt(TIMED, text, before.length);
    const rest = timed ?? (matchAt(UNTIMED, text, before.length) as RegExpExecArray);
    const task = Number(tid ?? pid);
    // Records that perf made up for what was there before have the time 0.
    if (timed !== null) this.timeUs = microseconds(timed[1] as string) || this.timeUs;
    else this.timeUs += UNTIMED_US;
    this.period = Number((timed === null ? rest[1] : rest[2]) ?? 1);
    this.join(Number(pid), task);
    const isOfStack = next !== null && STACK.test(next);
    return this.happened(task, text.slice(before.length + rest[0].length), isOfStack);
  }

  private happened(task: number, text: string, hasStack: boolean): Placed {
    const record = RECORD.exec(text);
    if (record !== null) return this.record(record[1] as string, record[2] as string);
    const event = EVENT.exec(text);
    if (event === null) return 'unplaced';
    const [, , name = '', given = ''] = event;
    if (name !== 'task_newtask') this.settle(task);
    if (FAULTS.has(name)) return this.fault(task, given, hasStack);
    return this.tracepoint(task, name, given);
  }

  private fault(task: number, given: string, hasStack: boolean): Placed {
    const [, address = '', rest = ''] = /^([\da-f]+)\b(.*)$/.exec(given) ?? [];
    if (this.period > 1) this.sampled++;
    // One number and a symbol, and no stack: where the program was, not what it touched.
    const isPlace = rest.trim() !== '' && !PLACE.test(rest) && !hasStack;
    if (address === '' || isPlace) {
      this.unaddressed++;
      return 'unplaced';
    }
    return this.events.fault(task, hex(address), false, this.timeUs);
  }

  private tracepoint(task: number, name: string, given: string): Placed {
    if (name === 'task_newtask') {
      const child = Number(/\bpid=(\d+)/.exec(given)?.[1]);
      this.born.delete(child);
      this.seen.add(child);
      this.source.set('birth', 'tracepoint');
    }
    const what = name === 'sched_process_exec' ? 'exec' : 'exit';
    const isTold = name === 'sched_process_exec' || name === 'sched_process_exit';
    if (isTold && !this.tells(what, 'tracepoint')) return 'skipped';
    return this.events.event(task, name, given, this.timeUs);
  }

  private record(name: string, rest: string): Placed {
    if (name === 'MMAP' || name === 'MMAP2') return this.mapping(rest);
    if (name === 'COMM') {
      const task = /^ exec: .*:\d+\/(\d+)$/.exec(rest)?.[1];
      if (task === undefined || !this.tells('exec', 'record')) return 'skipped';
      this.settle(Number(task));
      this.onAction({ op: 'exec', task: Number(task), former: Number(task) }, this.timeUs);
      return 'used';
    }
    if (/^LOST/.test(name)) return 'lost';
    if (name !== 'FORK' && name !== 'EXIT') return 'skipped';
    const [, pid, tid, parentPid, parentTid] = FORK.exec(rest) ?? [];
    const [task, child] = [Number(parentTid), Number(tid)];
    if (Number.isNaN(task + child)) return 'unplaced';
    if (name === 'EXIT') {
      if (!this.tells('exit', 'record')) return 'skipped';
      this.settle(child);
      this.onAction({ op: 'exit', task: child }, this.timeUs);
    } else if (pid === parentPid) this.birth({ task, child, timeUs: this.timeUs }, THREAD);
    else this.born.set(child, { task, child, timeUs: this.timeUs });
    return 'used';
  }

  private mapping(rest: string): Placed {
    const [, pid, tid, start = '', bytes = '', offset = '', rights = '', name = ''] =
      MAPPING.exec(rest) ?? [];
    if (pid === undefined) return 'unplaced';
    const [task, from] = [Number(tid), hex(start)];
    if (Number(pid) < 0) return 'skipped';
    this.settle(task);
    this.onAction(
      {
        op: 'map',
        task,
        from,
        to: from + hex(bytes),
        shared: rights.endsWith('s'),
        writable: rights[1] === 'w',
        accessible: rights.length < 3 || /[rwx]/.test(rights.slice(0, 3)),
        // Also the kernel's own pages ([vdso], [vvar]): a fork copies their tables.
        anonymous: /^(?:\/\/anon|\[)/.test(name),
        populated: false,
        downwards: false,
        noReserve: false,
        fixed: true,
        replaces: false,
        offset: hex(offset),
      },
      this.timeUs,
    );
    return 'used';
  }

  /** A process does something, and no task_newtask came: it was forked. */
  private settle(task: number): void {
    const born = this.born.get(task);
    if (born === undefined) return;
    this.born.delete(task);
    this.birth(born, FORKED);
  }

  private join(pid: number, task: number): void {
    if (this.seen.has(task)) return;
    this.seen.add(task);
    if (pid <= 0 || pid === task) return;
    const { timeUs } = this;
    this.onAction({ op: 'birth', task: pid, child: task, ...THREAD, sinceUs: timeUs }, timeUs);
  }

  private birth({ task, child, timeUs }: Born, how: typeof FORKED): void {
    this.seen.add(child);
    if (this.source.get('birth') === 'tracepoint') return;
    this.onAction({ op: 'birth', task, child, ...how, sinceUs: timeUs }, this.timeUs);
  }

  private tells(what: string, who: 'record' | 'tracepoint'): boolean {
    if (!this.source.has(what)) this.source.set(what, who);
    return this.source.get(what) === who;
  }
}

export const PERF_SCRIPT: Recorder = {
  name: 'perf-script',
  hasFaults: true,
  makeParser: (onAction) => new PerfScriptParser(onAction),
};
