/**
 * Reads the work file of a recording: system calls, faults, the scheduler's fork, exec and exit.
 *
 *   seq t_us cpu pid op …                         from then on, by op:
 *   fault mm va=… fl=…                            before the fault is handled
 *   mmap addr=… len=… prot=… flags=…              mmap_ret … on s390 only
 *   sys_munmap addr=… len=…                       sys_mprotect start=… len=… prot=…
 *   sys_mremap addr=… old_len=… new_len=… flags=… new_addr=…
 *   sys_clone … clone_flags=… …                   sched_process_fork … child_pid=…
 *   sys_execve …                                  sched_process_exec …, sched_process_exit …
 *
 * Numbers are hexadecimal, process numbers decimal. An address beyond what a double holds exactly
 * is that of no page of a process, but what a failed mmap returns.
 */
import { InputError } from '../../core/base/errors.js';
import { WORK_START } from './header.js';
import { LINE_BYTES_MAX, LineSplitter } from './lines.js';
import type { ReadOptions } from './reader.js';
import { pourText } from './text-file.js';

/** What happened, and to whom: `pid` did it. Sizes and addresses are in bytes. */
export type WorkEvent = { readonly pid: number } & (
  | { readonly op: 'fault'; readonly mm: string; readonly address: number; readonly flags: number }
  | {
      readonly op: 'mmap';
      readonly address: number;
      readonly length: number;
      readonly prot: number;
      readonly flags: number;
    }
  | { readonly op: 'mapped'; readonly address: number }
  | { readonly op: 'munmap'; readonly address: number; readonly length: number }
  | {
      readonly op: 'mprotect';
      readonly address: number;
      readonly length: number;
      readonly prot: number;
    }
  | {
      readonly op: 'mremap';
      readonly address: number;
      readonly length: number;
      readonly newLength: number;
      readonly flags: number;
      readonly newAddress: number;
    }
  | { readonly op: 'clone'; readonly flags: number }
  | { readonly op: 'fork'; readonly child: number }
  | { readonly op: 'execve' | 'exec' | 'exit' }
);

const PREFIX_FIELDS = 5;

/** Operations that say nothing about mappings; and brk, whose beginnings nobody recorded. */
const SKIPPED = new Set(['S', 'sys_brk', 'sys_exit_group']);

export async function readWork(
  file: string,
  onEvent: (event: WorkEvent) => void,
  options: Omit<ReadOptions, 'onHeader'>,
): Promise<void> {
  const parser = new WorkParser(file, onEvent);
  await pourText(file, parser, options);
  parser.finish();
}

class WorkParser {
  line = 0;
  private readonly file: string;
  private readonly onEvent: (event: WorkEvent) => void;
  private readonly lines: LineSplitter;

  constructor(file: string, onEvent: (event: WorkEvent) => void) {
    this.file = file;
    this.onEvent = onEvent;
    this.lines = new LineSplitter(
      (bytes, from, to) => this.read(Buffer.from(bytes.subarray(from, to)).toString('latin1')),
      () => {
        throw this.refuse('line-too-long', `a line longer than ${LINE_BYTES_MAX} bytes`, 'lines');
      },
    );
  }

  push(chunk: Uint8Array): undefined {
    this.lines.push(chunk);
  }

  finish(): void {
    if (this.lines.unfinished) {
      const found = 'the file ends in the middle of a line';
      throw this.refuse('truncated', found, 'a newline at the end of the last line');
    }
    if (this.line === 0) throw this.notWork('the file is empty');
  }

  private read(line: string): void {
    this.line++;
    if (this.line === 1 && !line.startsWith(WORK_START)) throw this.notWork('another first line');
    if (line.startsWith('#')) return;
    const fields = line.split(' ');
    const [, , , pid = '', op = ''] = fields;
    if (!/^\d{1,9}$/.test(pid) || op === '') {
      throw this.refuse('bad-line', 'too few fields', 'seq t_us cpu pid op and arguments');
    }
    if (SKIPPED.has(op)) return;
    this.onEvent({ pid: Number(pid), ...this.event(op, new Arguments(fields)) } as WorkEvent);
  }

  private event(op: string, given: Arguments): object {
    const hex = (name: string): number => this.checked(op, name, given.number(name, 16));
    const address = (): number => hex('addr');
    switch (op) {
      case 'fault':
        return { op, mm: this.mm(given.first), address: hex('va'), flags: hex('fl') };
      case 'mmap':
        return this.mmap(hex);
      case 'mmap_ret':
        return { op: 'mapped', address: this.checked(op, 'address', parse(given.first, 16)) };
      case 'sys_munmap':
        return { op: 'munmap', address: address(), length: hex('len') };
      case 'sys_mprotect':
        return { op: 'mprotect', address: hex('start'), length: hex('len'), prot: hex('prot') };
      case 'sys_mremap': {
        const lengths = { length: hex('old_len'), newLength: hex('new_len') };
        const to = { flags: hex('flags'), newAddress: hex('new_addr') };
        return { op: 'mremap', address: address(), ...lengths, ...to };
      }
      case 'sys_clone':
        return { op: 'clone', flags: hex('clone_flags') };
      case 'sched_process_fork':
        return { op: 'fork', child: this.checked(op, 'child_pid', given.number('child_pid', 10)) };
      case 'sys_execve':
        return { op: 'execve' };
      case 'sched_process_exec':
      case 'sched_process_exit':
        return { op: op.slice('sched_process_'.length) };
    }
    throw this.refuse('unknown-operation', `unknown operation "${op.slice(0, 40)}"`, 'one we know');
  }

  private mmap(hex: (name: string) => number): object {
    const [address, length] = [hex('addr'), hex('len')];
    return { op: 'mmap', address, length, prot: hex('prot'), flags: hex('flags') };
  }

  private mm(name: string): string {
    if (/^[mp]\d{1,9}$/.test(name)) return name;
    throw this.refuse('bad-line', `"${name.slice(0, 40)}" is wrong here`, 'an mm, mN or pN');
  }

  private checked(op: string, name: string, value: number): number {
    if (value >= 0) return value;
    throw this.refuse('bad-line', `${op} without a number ${name}`, `${name}=…`);
  }

  private notWork(found: string): InputError {
    const expected = `a first line that begins "${WORK_START}"`;
    return this.refuse('not-work', `not the work of a recording: ${found}`, expected);
  }

  private refuse(code: string, found: string, expected: string): InputError {
    const { file, line } = this;
    const message = `${file}:${line}: ${found}; expected ${expected}`;
    return new InputError(message, { code, file, line, expected });
  }
}

/** What stands behind the operation: `name=value`, or a bare value at the front. */
class Arguments {
  private readonly fields: readonly string[];

  constructor(fields: readonly string[]) {
    this.fields = fields;
  }

  get first(): string {
    return this.fields[PREFIX_FIELDS] ?? '';
  }

  /** -1: it is not there, or no number. */
  number(name: string, radix: 10 | 16): number {
    const start = `${name}=`;
    const field = this.fields.find((each, at) => at >= PREFIX_FIELDS && each.startsWith(start));
    return field === undefined ? -1 : parse(field.slice(start.length), radix);
  }
}

function parse(text: string, radix: 10 | 16): number {
  const isNumber = radix === 16 ? /^[\da-f]{1,16}$/.test(text) : /^\d{1,9}$/.test(text);
  return isNumber ? Number.parseInt(text, radix) : -1;
}
