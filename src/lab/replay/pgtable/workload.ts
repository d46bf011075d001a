/**
 * From what processes did to what their address spaces went through.
 *
 * A work file names the mm at a fault only; system calls name the process. So each process's mm is
 * kept: a clone with CLONE_VM shares it, any other is a fork, exec changes it. A forked mm gets a
 * number when it is made, and its name with the child's first fault, which follows at once: the
 * kernel writes the child's own pid into its memory.
 *
 * While a process executes, the kernel writes the new program's arguments into the new mm from
 * outside (FAULT_FLAG_REMOTE), into a temporary stack that it then moves. Where it is moved to is
 * seen at the next fault of that stack.
 *
 * An mm that is older than the recording (`pN`) begins with its first event, empty.
 */

import type { WorkEvent } from '../../trace/work.js';
import { LinuxTables } from './linux.js';
import { type Range, Regions } from './regions.js';

/** What is done to address spaces, in the recording's order. Numbers of mms are dense, from 0. */
export interface MmOperations {
  create(mm: number): void;
  fault(mm: number, page: number, write: boolean): void;
  unmap(mm: number, page: number, pages: number): void;
  protect(mm: number, page: number, pages: number, prot: number): void;
  move(mm: number, from: number, to: number, pages: number): void;
  /** All that is mapped is copied, save for what is skipped. */
  fork(parent: number, child: number, skipped: readonly Range[]): void;
  exit(mm: number): void;
}

const CLONE_VM = 0x100;
const MAP_FIXED = 0x10;
const MREMAP_FIXED = 2;
const FAULT = { write: 0x1, remote: 0x80 } as const;

interface Mm {
  readonly number: number;
  readonly regions: Regions;
  /** Processes that have it. */
  users: number;
  ended: boolean;
  /** Pages that were written from outside while it was being made. */
  temporary: number[];
}

interface Process {
  mm: Mm | null;
  /** A forked mm whose name is not known yet. */
  unnamed: boolean;
  /** Between execve and exec. */
  executing: boolean;
  next: Mm | null;
  cloneFlags: number;
  mmap: Extract<WorkEvent, { op: 'mmap' }> | null;
}

export class Workload {
  /** What the recording calls the mms: the name's number to ours. Older mms are left out. */
  readonly names: Map<number, number> = new Map();
  /** What Linux would have given the mms, if the recording says where mappings are. */
  readonly linux: LinuxTables;
  knowsRegions = false;
  private readonly operations: MmOperations;
  private readonly pageBytes: number;
  private readonly byName = new Map<string, Mm>();
  private readonly mms: Mm[] = [];
  private readonly processes = new Map<number, Process>();

  /** `spanPages`: pages that a table of the lowest level maps. */
  constructor(operations: MmOperations, pageBytes: number, spanPages: number) {
    this.operations = operations;
    this.pageBytes = pageBytes;
    this.linux = new LinuxTables(spanPages);
  }

  event(event: WorkEvent): void {
    const process = this.process(event.pid);
    switch (event.op) {
      case 'fault':
        this.fault(process, event);
        break;
      case 'clone':
        process.cloneFlags = event.flags;
        break;
      case 'fork':
        this.fork(process, event.child);
        break;
      case 'execve':
        process.executing = true;
        process.next = null;
        break;
      case 'exec':
        this.exec(process);
        break;
      case 'exit':
        this.join(process, null);
        this.processes.delete(event.pid);
        break;
      default:
        if (process.mm !== null && !process.mm.ended) this.call(process, process.mm, event);
    }
  }

  /** Ends what the recording left. */
  finish(): void {
    for (const mm of this.mms) this.end(mm);
  }

  private process(pid: number): Process {
    const known = this.processes.get(pid);
    if (known !== undefined) return known;
    const state = { unnamed: false, executing: false, next: null, cloneFlags: 0, mmap: null };
    const process: Process = { mm: null, ...state };
    this.processes.set(pid, process);
    return process;
  }

  private newMm(regions: Regions): Mm {
    const mm = { number: this.mms.length, regions, users: 0, ended: false, temporary: [] };
    this.mms.push(mm);
    return mm;
  }

  private named(name: string, process: Process): Mm {
    const known = this.byName.get(name);
    if (known !== undefined) return known;
    const isChild = process.unnamed && process.mm !== null && !process.executing;
    const mm = isChild ? (process.mm as Mm) : this.newMm(new Regions());
    if (!isChild) this.operations.create(mm.number);
    this.byName.set(name, mm);
    if (name.startsWith('m')) this.names.set(Number(name.slice(1)), mm.number);
    process.unnamed = false;
    return mm;
  }

  private fault(process: Process, event: Extract<WorkEvent, { op: 'fault' }>): void {
    const mm = this.named(event.mm, process);
    const isRemote = (event.flags & FAULT.remote) !== 0;
    const page = this.page(event.address);
    if (process.executing && mm !== process.mm) {
      process.next = mm;
      if (isRemote) mm.temporary.push(page);
    } else if (!process.executing && !isRemote) this.join(process, mm);
    if (mm.ended) return;
    const write = (event.flags & FAULT.write) !== 0;
    if (write) mm.regions.write(page);
    this.linux.touch(mm.number, page);
    this.operations.fault(mm.number, page, write);
  }

  private fork(parent: Process, pid: number): void {
    const child = this.process(pid);
    if (parent.mm === null || parent.mm.ended) return;
    if ((parent.cloneFlags & CLONE_VM) !== 0) {
      this.join(child, parent.mm);
      return;
    }
    const { number, regions } = parent.mm;
    const mm = this.newMm(regions.copy());
    const skipped = regions.unwritten();
    this.linux.fork(number, mm.number, skipped, regions);
    this.operations.fork(number, mm.number, skipped);
    this.join(child, mm);
    child.unnamed = true;
  }

  private exec(process: Process): void {
    const { next } = process;
    process.executing = false;
    process.next = null;
    this.join(process, next);
    if (next === null) return;
    for (const page of next.temporary) this.unmapPages(next, page, 1);
    next.temporary = [];
  }

  private join(process: Process, mm: Mm | null): void {
    const before = process.mm;
    if (before === mm) return;
    process.mm = mm;
    if (mm !== null) mm.users++;
    if (before !== null && --before.users === 0) this.end(before);
  }

  private end(mm: Mm): void {
    if (mm.ended) return;
    mm.ended = true;
    this.linux.exit(mm.number);
    this.operations.exit(mm.number);
  }

  /** A system call that changes mappings. */
  private call(process: Process, mm: Mm, event: WorkEvent): void {
    switch (event.op) {
      case 'mmap':
        process.mmap = event;
        if ((event.flags & MAP_FIXED) !== 0) this.unmap(mm, event.address, event.length);
        break;
      case 'mapped':
        this.mapped(process, mm, event.address);
        break;
      case 'munmap':
        this.unmap(mm, event.address, event.length);
        break;
      case 'mprotect': {
        const [begin, pages] = [this.page(event.address), this.pages(event.length)];
        mm.regions.protect(begin, begin + pages, event.prot);
        this.operations.protect(mm.number, begin, pages, event.prot);
        return;
      }
      case 'mremap':
        this.remap(mm, event);
    }
  }

  private mapped(process: Process, mm: Mm, address: number): void {
    const asked = process.mmap;
    process.mmap = null;
    if (asked === null || !Number.isSafeInteger(address)) return;
    const begin = this.page(address);
    const end = begin + this.pages(asked.length);
    this.knowsRegions = true;
    mm.regions.add(begin, end, asked.prot, asked.flags & ~MAP_FIXED);
  }

  private unmap(mm: Mm, address: number, length: number): void {
    this.unmapPages(mm, this.page(address), this.pages(length));
  }

  private unmapPages({ number, regions }: Mm, begin: number, pages: number): void {
    regions.remove(begin, begin + pages);
    this.linux.unmap(number, begin, begin + pages, regions);
    this.operations.unmap(number, begin, pages);
  }

  private remap(mm: Mm, event: Extract<WorkEvent, { op: 'mremap' }>): void {
    const { regions } = mm;
    const from = this.page(event.address);
    const [pages, wanted] = [this.pages(event.length), this.pages(event.newLength)];
    const region = regions.at(from);
    const isFixed = (event.flags & MREMAP_FIXED) !== 0;
    if (wanted < pages) this.unmapPages(mm, from + wanted, pages - wanted);
    if (region === undefined || (wanted <= pages && !isFixed)) return;
    const { prot, flags, written } = region;
    if (!isFixed && regions.hasRoom(from + pages, from + wanted)) {
      regions.add(from + pages, from + wanted, prot, flags);
      return;
    }
    const to = isFixed ? this.page(event.newAddress) : regions.place(wanted);
    if (to === null) return;
    const moved = Math.min(pages, wanted);
    if (isFixed) this.unmap(mm, event.newAddress, event.newLength);
    regions.remove(from, from + moved);
    regions.add(to, to + wanted, prot, flags, written);
    this.linux.move(mm.number, from, to, moved);
    this.linux.unmap(mm.number, from, from + moved, regions);
    this.operations.move(mm.number, from, to, moved);
  }

  private page(address: number): number {
    return Math.floor(address / this.pageBytes);
  }

  private pages(bytes: number): number {
    return Math.ceil(bytes / this.pageBytes);
  }
}
