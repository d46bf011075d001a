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
import { hex, type LineParser, microseconds, type Placed, type Recorder } from './line-parser.js';

const LINE = /^ *(.+?) +(-?\d+)(?:\/(-?\d+))? +(?:\[\d+\] +)?(\d+\.\d+): +(?:\d+ +)?(\S.*)$/;
const EVENT = /^(?:(\w+):)?([\w-]+)(?::[a-zA-Z]+)?: *(.*)$/;
const RECORD = /^PERF_RECORD_([A-Z_0-9]+)(.*)$/;
const MAPPING =
  /^ (-?\d+)\/(\d+): \[(0x[\da-f]+)\((0x[\da-f]+)\) @ (0x[\da-f]+|0)[^\]]*\]: (\S+) (.*)$/;
const FORK = /^\((\d+):(\d+)\):\((\d+):(\d+)\)/;
const NO_EVENT = /^(?:#|\s*$|\s+[\da-f]+ .*\(.*\)$)/;
const FAULTS = new Set(['page-faults', 'faults', 'minor-faults', 'major-faults']);

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
  advice: string | null = null;
  private readonly onAction: OnAction;
  private readonly events: KernelEvents;
  private timeUs = 0;
  /** Which of two sources tells of execs and of exits: the first that was seen. */
  private readonly source = new Map<string, 'record' | 'tracepoint'>();
  /** Tasks that were heard of: a thread that is older than the recording joins its process. */
  private readonly seen = new Set<number>();
  /** A process that a record told of: perhaps vfork's, which its task_newtask will say. */
  private readonly born = new Map<number, Born>();

  constructor(onAction: OnAction) {
    this.onAction = onAction;
    this.events = new KernelEvents(onAction);
  }

  get faults(): number {
    return this.events.faults;
  }

  line(text: string): Placed {
    const match = LINE.exec(text);
    if (match === null) return NO_EVENT.test(text) ? 'skipped' : 'unplaced';
    const [, , pid, tid, seconds = '', rest = ''] = match;
    const task = Number(tid ?? pid);
    // Records that perf made up for what was there before have no time.
    this.timeUs = microseconds(seconds) || this.timeUs;
    this.join(Number(pid), task);
    const record = RECORD.exec(rest);
    if (record !== null) return this.record(record[1] as string, record[2] as string);
    const event = EVENT.exec(rest);
    if (event === null) return 'unplaced';
    const [, , name = '', given = ''] = event;
    if (name !== 'task_newtask') this.settle(task);
    if (FAULTS.has(name)) return this.fault(task, given);
    return this.tracepoint(task, name, given);
  }

  private fault(task: number, given: string): Placed {
    const [, address = '', rest = ''] = /^([\da-f]+)\b(.*)$/.exec(given) ?? [];
    // One number and a symbol: that is where the program was, not what it touched.
    if (address === '' || /^ +\S+ \(.*\)$/.test(rest)) {
      this.advice = ADDRESSES;
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
