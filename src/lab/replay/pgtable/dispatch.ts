/**
 * Operations on address spaces as tasks in rings. Each mm has one mutator, by its number, so its
 * operations keep their order; a fork is done by the parent's, and then adopted by the child's.
 *
 * A page number can have more than 32 bits: what is above goes into the word of the task.
 */
import type { Memory } from '../../../core/mem/memory.js';
import { checkTraceLimits } from '../../crew/control.js';
import { RingWriter, TASK } from '../../crew/ring.js';
import type { Range } from './regions.js';
import type { MmOperations } from './workload.js';

/** Tasks beside those of `TASK`, and what `first` and `second` are. */
export const SPACE_TASK = {
  /** A page; whether it is written. */
  fault: 16,
  /** A page, how many. */
  unmap: 17,
  /** A page, how many; the rights are in the word of the task. */
  protect: 18,
  /** A page, how many; then `to`. */
  move: 19,
  /** A page. */
  to: 20,
  /** A page, how many: not to be copied by the next `fork`. */
  skip: 21,
  /** The child. */
  fork: 22,
  adopt: 23,
  exit: 24,
} as const;

/** A task's word: the task, rights, and the high part of the page. */
function packTask(task: number, page: number, prot = 0): number {
  return task | (prot << 8) | (Math.floor(page / 2 ** 32) << 16);
}

export function taskOf(word: number): number {
  return word & 0xff;
}

export function protOfTask(word: number): number {
  return (word >>> 8) & 0xff;
}

export function pageOfTask(word: number, low: number): number {
  return (word >>> 16) * 2 ** 32 + (low >>> 0);
}

export class SpaceDispatcher implements MmOperations {
  records = 0;
  private readonly writer: RingWriter;
  private readonly mutators: number;

  constructor(control: Memory, mutators: number) {
    this.writer = new RingWriter(control, mutators);
    this.mutators = mutators;
  }

  create(mm: number): void {
    checkTraceLimits(mm, 0);
    this.write(mm, TASK.create, 0, 0);
  }

  fault(mm: number, page: number, write: boolean): void {
    this.write(mm, SPACE_TASK.fault, page, write ? 1 : 0);
  }

  unmap(mm: number, page: number, pages: number): void {
    this.write(mm, SPACE_TASK.unmap, page, pages);
  }

  protect(mm: number, page: number, pages: number, prot: number): void {
    this.write(mm, SPACE_TASK.protect, page, pages, prot);
  }

  move(mm: number, from: number, to: number, pages: number): void {
    this.write(mm, SPACE_TASK.move, from, pages);
    this.write(mm, SPACE_TASK.to, to, 0);
  }

  fork(parent: number, child: number, skipped: readonly Range[]): void {
    checkTraceLimits(child, 0);
    for (const { begin, end } of skipped) this.write(parent, SPACE_TASK.skip, begin, end - begin);
    this.write(parent, SPACE_TASK.fork, 0, child);
    this.write(child, SPACE_TASK.adopt, 0, 0);
  }

  exit(mm: number): void {
    this.write(mm, SPACE_TASK.exit, 0, 0);
  }

  private write(mm: number, task: number, page: number, second: number, prot = 0): void {
    this.records++;
    this.writer.write(mm % this.mutators, packTask(task, page, prot), mm, page | 0, second);
  }

  /** Lets the mutators return. */
  finish(): void {
    for (let ring = 0; ring < this.mutators; ring++) this.writer.write(ring, TASK.stop, 0, 0, 0);
    this.writer.flush();
  }
}
