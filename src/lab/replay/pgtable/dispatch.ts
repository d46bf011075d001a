/**
 * Operations on address spaces as tasks in rings. Each mm has one mutator, by its number, so its
 * operations keep their order; a fork is done by the parent's, and then adopted by the child's.
 */
import type { Memory } from '../../../core/mem/memory.js';
import { RingWriter } from '../../crew/ring.js';
import { checkTraceMm } from '../limits.js';
import type { Range } from './regions.js';
import { packTask, SPACE_TASK } from './tasks.js';
import type { MmOperations } from './workload.js';

export class SpaceDispatcher implements MmOperations {
  records = 0;
  private readonly writer: RingWriter;
  private readonly mutators: number;

  constructor(control: Memory, mutators: number) {
    this.writer = new RingWriter(control, mutators);
    this.mutators = mutators;
  }

  create(mm: number): void {
    checkTraceMm(mm);
    this.write(mm, SPACE_TASK.create, 0, 0);
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
    checkTraceMm(child);
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
    this.writer.stop();
  }
}
