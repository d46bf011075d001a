/**
 * Tracepoints, as the kernel itself prints them: in ftrace's text and in that of perf script.
 *
 *   page_fault_user: address=0x564d3bee32c0 ip=… error_code=0x14
 *   task_newtask: pid=15139 comm=bash clone_flags=1200000 oom_score_adj=0
 *   sched_process_exec: filename=/bin/sh pid=23028 old_pid=23028
 *   sched_process_exit: comm=true pid=23027 prio=120
 *   sys_enter_munmap: addr: 0x7fa4a3eb9000, len: 0x00002000       sys_exit_munmap: 0x0
 *   sys_munmap(addr: 7fa4a3eb9000, len: 2000)                     sys_munmap -> 0x0
 *
 * Numbers are hexadecimal, with or without 0x; pids are decimal without. With ftrace's option
 * `fields` all are printed twice:
 *
 *   sys_enter_munmap: __syscall_nr=0xb (11) addr=0x7fa4a3eb9000 (140345679908864) len=0x2000 (8192)
 *   sys_exit_munmap: __syscall_nr=0xb (11) ret=0x0 (0)
 */
import type { Action, OnAction } from './action.js';
import { isThread, MEMORY_CALLS, memoryAction, sharesMm } from './calls.js';
import { ADDRESS_MAX, hex, number, type Placed } from './line-parser.js';

export class KernelEvents {
  faults = 0;
  /** Of these, those at addresses that no program has. */
  kernelFaults = 0;
  private readonly onAction: OnAction;
  /** Arguments of calls that have not returned, by tid. */
  private readonly begun = new Map<number, string>();

  constructor(onAction: OnAction) {
    this.onAction = onAction;
  }

  /** Whether births and the like are said twice is the caller's business. */
  event(task: number, name: string, given: string, timeUs: number): Placed {
    const emit = (action: Action): Placed => {
      this.onAction(action, timeUs);
      return 'used';
    };
    switch (name) {
      case 'page_fault_user':
      case 'page_fault_kernel': {
        const at = hex(/\baddress=(\w+)/.exec(given)?.[1] ?? '');
        if (Number.isNaN(at)) return 'unplaced';
        return this.fault(task, at, name === 'page_fault_kernel', timeUs);
      }
      case 'task_newtask': {
        const child = decimal('pid', given);
        const flags = hex(/\bclone_flags=(\w+)/.exec(given)?.[1] ?? '');
        if (Number.isNaN(child + flags)) return 'unplaced';
        // The kernel's own threads have no address space.
        if (/\bcomm=kthreadd\b/.test(given)) return 'skipped';
        const [shares, thread] = [sharesMm(flags), isThread(flags)];
        return emit({ op: 'birth', task, child, sharesMm: shares, thread, sinceUs: timeUs });
      }
      case 'sched_process_exec': {
        const former = decimal('old_pid', given);
        return emit({ op: 'exec', task, former: Number.isNaN(former) ? task : former });
      }
      case 'sched_process_exit':
        return emit({ op: 'exit', task });
      default:
        return this.call(task, name, given, timeUs);
    }
  }

  fault(task: number, at: number, early: boolean, timeUs: number): Placed {
    this.faults++;
    if (at >= ADDRESS_MAX) {
      this.kernelFaults++;
      return 'skipped';
    }
    this.onAction({ op: 'fault', task, at, early }, timeUs);
    return 'used';
  }

  private call(task: number, name: string, given: string, timeUs: number): Placed {
    const [, side = '', call = ''] = /^sys_(enter_|exit_|)(\w+)$/.exec(name) ?? [];
    if (!MEMORY_CALLS.has(call)) return 'skipped';
    const returned =
      side === '' ? /^-> (\S+)/.exec(given) : /^(?:__syscall_nr=.* ret=)?(\S+)/.exec(given);
    if (side === 'enter_' || returned === null) {
      this.begun.set(task, given);
      return 'used';
    }
    const begun = this.begun.get(task);
    this.begun.delete(task);
    if (begun === undefined && call !== 'brk') return 'skipped';
    const action = memoryAction(task, call, argumentsIn(begun ?? ''), hex(returned[1] as string));
    if (action !== null) this.onAction(action, timeUs);
    return 'used';
  }
}

function argumentsIn(given: string): Parameters<typeof memoryAction>[2] {
  const field = (name: string): number =>
    hex(new RegExp(`\\b${name}(?:: |=)(\\w+)`).exec(given)?.[1] ?? '0');
  return {
    address: field('addr') || field('start'),
    length: field('len') || field('old_len'),
    newLength: field('new_len'),
    protection: field('prot'),
    flags: field('flags'),
    offset: field('off'),
  };
}

function decimal(name: string, given: string): number {
  return number(new RegExp(`\\b${name}=(\\w+)`).exec(given)?.[1] ?? '');
}
