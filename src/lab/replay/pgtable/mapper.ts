/**
 * What a mutator does to pages of its spaces, done until it is done: where a step stops at a large
 * frame or finds no page, that is dealt with and it goes on. Counts what it does.
 */
import { InvariantError } from '../../../core/base/errors.js';
import type { Vpn } from '../../../core/base/units.js';
import type { Thread } from '../../../core/mem/heap.js';
import { forkStep } from '../../../core/pgtable/fork.js';
import type { Prot } from '../../../core/pgtable/format.js';
import { findTable } from '../../../core/pgtable/lock.js';
import { mapStep, protectStep, unmapStep } from '../../../core/pgtable/map.js';
import { depthOf, rootOf, type Space } from '../../../core/pgtable/space.js';
import { rcuReadLock, rcuReadUnlock } from '../../../core/rcu/reader.js';
import type { Performer } from '../../crew/performer.js';
import { LEVELS_COUNTED, MM_WORDS, mmWord } from './board.js';
import { SPACE_COUNT } from './counters.js';
import { frameAddressOf, rightsOf, spanPages, touched } from './frames.js';
import { trySplit } from './large.js';
import type { Mapped } from './mapped.js';
import type { Shared } from './shared.js';

/** An address space of a mutator's. */
export interface Tree {
  readonly mm: number;
  readonly space: Space;
  readonly mapped: Mapped;
}

/** The level of the tables that map pages. */
export const PTE = 0;

export class Mapper {
  private readonly performer: Performer;
  private readonly thread: Thread;
  private readonly shared: Shared;

  constructor(performer: Performer, thread: Thread, shared: Shared) {
    this.performer = performer;
    this.thread = thread;
    this.shared = shared;
  }

  /** Notes that an mm was given a table. */
  gave(mm: number, level: number): void {
    if (level >= LEVELS_COUNTED) return;
    const word = mmWord(mm, MM_WORDS.TABLES + level);
    const { board } = this.shared;
    board.store(word, board.peek(word) + 1);
  }

  /** Maps a page, or lets it be written where it is mapped. */
  map({ mm, space, mapped }: Tree, page: number, write: boolean): void {
    const vpn = page as Vpn;
    const span = mapped.spanOf(page);
    const address = frameAddressOf(this.shared.format, mm, page);
    const outcome = this.performer.untilPages(() => {
      const before = this.tablesTo(space, vpn);
      const step = mapStep(space, vpn, 1, address, touched(span, write));
      const done = step.kind === 'done' && step.pages === 1;
      this.noteTables(mm, before, this.tablesTo(space, vpn), done);
      return step.kind === 'mapped' || done ? step.kind : null;
    });
    if (outcome === 'mapped' && write) this.allow(space, vpn, span, touched(span, true));
    mapped.add(page);
  }

  /** For each level, from the lowest, whether the page has a table there. */
  private tablesTo(space: Space, vpn: Vpn): boolean[] {
    rcuReadLock(this.thread);
    const depth = depthOf(rootOf(space));
    const found = Array.from({ length: depth }, (_, level) => findTable(space, vpn, level) !== 0);
    rcuReadUnlock(this.thread);
    return found;
  }

  /** The lowest table may be collapsed at once: that it was linked is known by `done`. */
  private noteTables(mm: number, before: boolean[], after: boolean[], done: boolean): void {
    after.forEach((isThere, level) => {
      if (before[level] === true || !(level === PTE ? done : isThere)) return;
      this.gave(mm, level);
      this.performer.count(SPACE_COUNT.ALLOCS, 1);
    });
  }

  /** Changes what a mapped page allows; if it is part of a large frame, the whole of that. */
  private allow(space: Space, vpn: Vpn, span: number, prot: Prot): void {
    if (protectStep(space, vpn, 1, prot).kind !== 'large') return;
    const pages = spanPages(this.shared.format);
    protectStep(space, (span * pages) as Vpn, pages, prot);
  }

  protect({ space, mapped }: Tree, begin: number, end: number, prot: number): void {
    const pages = spanPages(this.shared.format);
    for (const span of mapped.spansWithin(begin, end)) {
      const from = Math.max(begin, span * pages) as Vpn;
      const count = Math.min(end, (span + 1) * pages) - from;
      const rights = prot === 0 ? 0 : rightsOf(span) | (prot & ~rightsOf(1));
      while (protectStep(space, from, count, rights).kind === 'large') this.split(space, from);
    }
  }

  unmapPages(space: Space, begin: number, pages: number): void {
    for (let page = begin; page < begin + pages; ) {
      const step = unmapStep(space, page as Vpn, begin + pages - page);
      if (step.kind === 'done') {
        this.performer.count(SPACE_COUNT.UNMAPPED, step.changed);
        page += step.pages;
      } else if (step.kind === 'large') this.split(space, page as Vpn);
      else throw new InvariantError('P8', `unmapping ended with ${step.kind}`);
    }
  }

  private split(space: Space, vpn: Vpn): void {
    this.performer.count(SPACE_COUNT.ALLOCS, 1);
    if (this.performer.untilPages(() => trySplit(space, vpn)))
      this.performer.count(SPACE_COUNT.SPLITS, 1);
  }

  copyPages(from: Space, to: Space, begin: number, end: number): void {
    for (let page = begin; page < end; ) {
      page += this.performer.untilPages(() => {
        const step = forkStep(from, to, page as Vpn, end - page);
        return step.kind === 'done' ? step.pages : null;
      });
    }
  }
}
