/**
 * Address spaces of tasks: what each action does to one, and what is assumed where the recorder
 * does not say.
 *
 * Where faults were recorded a table comes with its first fault. Where they were not (strace), the
 * calls must do: `touch` says how much of a range that a call makes usable counts as used.
 *
 *   first   its first page, or the last where it is used downwards (a stack)
 *   all     all of it, but for ranges without reserved memory (MAP_NORESERVE)
 *
 * Then an exec'd program also gets what no call shows: a stack, and itself below the break.
 *
 * A fault that is known as file and offset only (perf trace) is looked up among the files that are
 * mapped. Their paths are not in the calls either: a path that comes up first means the newest
 * mapped file without a path that has such an offset. What no call mapped was mapped by exec: the
 * loader, which lies right above the first mapping, and the program, which lies below the break.
 */
import type { Action, MapAction, RemapAction } from './action.js';
import { Areas, type Image } from './areas.js';
import { Mappings, PAGE_BYTES, type TableSink } from './mappings.js';
import type { Spans } from './spans.js';

export type Touch = 'faults' | 'first' | 'all';

/** Who is told of mms, too. */
export interface TraceSink extends TableSink {
  create(mm: number): void;
  exit(mm: number): void;
  destroy(mm: number): void;
}

/** Where the program lies that is older than the recording; and one that is linked to its place. */
const PROGRAM = 0x5500_0000_0000;
const PROGRAM_LOWEST = 0x40_0000;
const LINKED_MAX: number = 2 ** 32;

/** How far below the break a program is taken to begin. */
const PROGRAM_BYTES: number = 2 ** 27;

/** Pages of a program that are kept until the break is known; more are not. */
const WAITING_MAX = 4096;

/** Where a stack is taken to be. */
const STACK = 0x7fff_ffff_e000;

/** What exec maps beside the program: the loader, and the kernel's own page. */
const LOADER = /\/ld[-.\w]*\.so|\/ld64\.so|\/ld-musl|\[vdso\]|\[vvar|perf-vdso/;

/** No heap grows beyond that. */
const HEAP_MAX: number = 2 ** 36;

const UNKNOWN = -1;

export class TaskSpace {
  users = 0;
  private readonly mappings: Mappings;
  private readonly touch: Touch;
  private readonly isExecd: boolean;
  private brk = UNKNOWN;
  /** Files that calls have mapped, oldest first, and where programs lie. */
  private images: Image[] = [];
  private programs: string[] = [];
  /** The break at its beginning, and the parts of programs that wait until it is known. */
  private heap = UNKNOWN;
  private waiting = new Map<number, readonly [path: string, offset: number]>();
  /** End of the first mapping: the loader begins here. */
  private loader = UNKNOWN;
  private loaderUsed = false;

  constructor(mappings: Mappings, touch: Touch, isExecd: boolean) {
    this.mappings = mappings;
    this.touch = touch;
    this.isExecd = isExecd;
    if (isExecd && touch !== 'faults') mappings.touch(STACK);
  }

  get mm(): number {
    return this.mappings.mm;
  }

  fork(mm: number, spans: Spans, sink: TableSink): TaskSpace {
    const mappings = new Mappings(mm, this.mappings.areas.copy(), spans, sink);
    this.mappings.copyTables(mappings);
    const child = new TaskSpace(mappings, this.touch, false);
    child.brk = this.brk;
    child.images = [...this.images];
    child.programs = [...this.programs];
    child.heap = this.heap;
    child.loader = this.loader;
    return child;
  }

  apply(action: Action): void {
    const { mappings } = this;
    switch (action.op) {
      case 'fault':
        mappings.touch(action.at);
        break;
      case 'file-fault':
        this.fileFault(action.path, action.offset);
        break;
      case 'map':
        this.map(action);
        break;
      case 'unmap':
        mappings.unmap(action.from, action.to);
        break;
      case 'remap':
        this.remap(action);
        break;
      case 'protect':
        mappings.areas.change(action.from, action.to, { idle: false });
        this.assume(action.from, action.to, false, false);
        break;
      case 'brk':
        this.setBreak(action.at);
        break;
    }
  }

  /** Whether a break is so far off that it is another program's: of an exec that nobody saw. */
  isOfOther(brk: number): boolean {
    return this.brk !== UNKNOWN && (brk - this.brk > HEAP_MAX || this.heap - brk > HEAP_MAX);
  }

  end(): void {
    this.mappings.end();
  }

  private map(action: MapAction): void {
    const { from, to, shared, writable, anonymous, offset } = action;
    const image = anonymous ? null : this.imageOf(action);
    const copied = !shared && (anonymous || writable);
    const idle = action.noReserve || !action.accessible;
    const area = { from, to, copied, idle, image, offset };
    if (action.replaces) this.mappings.map(area);
    else this.mappings.add(area);
    if (this.loader === UNKNOWN && !action.fixed) {
      this.loader = to;
      if (this.loaderUsed) this.mappings.touch(to);
    }
    if (action.populated) this.mappings.touchAll(from, to);
    else if (action.accessible) this.assume(from, to, action.downwards, action.noReserve);
  }

  /** What a mapping gains is assumed to be used like a mapping that is made. */
  private remap({ from, to, newFrom, newTo, keep }: RemapAction): void {
    const { mappings } = this;
    mappings.remap(from, to, newFrom, newTo, keep);
    const gained = newFrom + (to - from);
    const [area] = mappings.areas.within(gained, newTo);
    if (area !== undefined && !area.idle) this.assume(gained, newTo, false, false);
  }

  /** Without faults: how much of a range counts as used. */
  private assume(from: number, to: number, downwards: boolean, noReserve: boolean): void {
    if (this.touch === 'faults') return;
    if (this.touch === 'all' && !noReserve) this.mappings.touchAll(from, to);
    else this.mappings.touch(downwards ? to - PAGE_BYTES : from);
  }

  private setBreak(at: number): void {
    const [before, after] = [pageEnd(this.brk), pageEnd(at)];
    if (this.brk === UNKNOWN) {
      this.heap = at;
      for (const [path, offset] of this.waiting.values()) this.touchProgram(path, offset);
      this.waiting.clear();
      if (this.isExecd && this.touch !== 'faults') this.mappings.touch(at - PAGE_BYTES);
    } else if (after > before) {
      const at = { from: before, to: after, offset: 0 };
      this.mappings.map({ ...at, copied: true, idle: false, image: null });
      this.assume(before, after, false, false);
    } else this.mappings.unmap(after, before);
    this.brk = at;
  }

  /** A mapping at a fixed place goes on with the file around it; any other begins one. */
  private imageOf({ from, to, fixed }: MapAction): Image {
    if (fixed) {
      for (const { image } of this.mappings.areas.within(from, to))
        if (image !== null) return image;
    }
    const image = { path: null };
    this.images = [...this.images.filter((other) => this.isMapped(other)), image];
    return image;
  }

  private isMapped(image: Image): boolean {
    for (const area of this.mappings.areas) if (area.image === image) return true;
    return false;
  }

  private fileFault(path: string, offset: number): void {
    const known = this.images.filter((image) => image.path === path).at(-1);
    const at = known === undefined ? null : this.find(known, offset);
    if (at !== null) this.mappings.touch(at);
    else if (LOADER.test(path)) this.touchLoader();
    else this.touchUnplaced(path, offset);
  }

  private touchUnplaced(path: string, offset: number): void {
    const candidates = this.images.filter((image) => image.path === null).reverse();
    for (const image of this.programs.includes(path) ? [] : candidates) {
      const at = this.find(image, offset);
      if (at === null) continue;
      image.path = path;
      this.mappings.touch(at);
      return;
    }
    if (!this.programs.includes(path)) this.programs.push(path);
    if (this.heap !== UNKNOWN || !this.isExecd) this.touchProgram(path, offset);
    else if (this.waiting.size < WAITING_MAX) {
      this.waiting.set(Math.floor(offset / PAGE_BYTES), [path, offset]);
    }
  }

  private touchProgram(path: string, offset: number): void {
    const below = (this.programs.indexOf(path) + 1) * PROGRAM_BYTES;
    const base = (this.heap === UNKNOWN ? PROGRAM : this.heap) - below;
    this.mappings.touch((base < LINKED_MAX ? PROGRAM_LOWEST : base) + offset);
  }

  private touchLoader(): void {
    this.loaderUsed = true;
    if (this.loader !== UNKNOWN) this.mappings.touch(this.loader);
  }

  private find(image: Image, offset: number): number | null {
    for (const area of this.mappings.areas) {
      const into = offset - area.offset;
      if (area.image === image && into >= 0 && into < area.to - area.from) return area.from + into;
    }
    return null;
  }
}

/** All address spaces: makes them and ends them. */
export class TaskSpaces {
  private readonly spans: Spans;
  private readonly touch: Touch;
  private readonly sink: TraceSink;
  private created = 0;

  constructor(spans: Spans, touch: Touch, sink: TraceSink) {
    this.spans = spans;
    this.touch = touch;
    this.sink = sink;
  }

  /** That of a task which is older than the recording. */
  create(): TaskSpace {
    return this.make(false);
  }

  exec(): TaskSpace {
    return this.make(true);
  }

  fork(parent: TaskSpace): TaskSpace {
    const mm = this.next();
    return parent.fork(mm, this.spans, this.sink);
  }

  end(space: TaskSpace): void {
    this.sink.exit(space.mm);
    space.end();
    this.sink.destroy(space.mm);
  }

  private make(isExecd: boolean): TaskSpace {
    const mappings = new Mappings(this.next(), new Areas(), this.spans, this.sink);
    return new TaskSpace(mappings, this.touch, isExecd);
  }

  private next(): number {
    const mm = ++this.created;
    this.sink.create(mm);
    return mm;
  }
}

function pageEnd(address: number): number {
  return Math.ceil(address / PAGE_BYTES) * PAGE_BYTES;
}
