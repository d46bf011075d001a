/**
 * A mutator of a replay through page tables: maps, unmaps, copies and ends the address spaces that
 * are its own.
 *
 * Faults and changes of rights race with everything. What takes mappings away, or copies them,
 * claims the mm first: collapse is promised that nobody changes what its span maps (collapse.ts).
 *
 * A collapse maps pages that nobody touched. They are taken out again before they could matter:
 * when the last page that was touched leaves a span, and before a fork. So an mm is given the same
 * number of tables whether its spans are collapsed or not.
 */
import { InvariantError } from '../../../core/base/errors.js';
import type { MmId, Vpn } from '../../../core/base/units.js';
import { destroyMm, tablesWord } from '../../../core/frag/mm.js';
import type { Thread } from '../../../core/mem/heap.js';
import type { Memory } from '../../../core/mem/memory.js';
import { extentOf, forkStep } from '../../../core/pgtable/fork.js';
import type { EntryFormat, Prot } from '../../../core/pgtable/format.js';
import { findTable } from '../../../core/pgtable/lock.js';
import { mapStep, protectStep, unmapStep } from '../../../core/pgtable/map.js';
import {
  depthOf,
  endSpace,
  makeSpace,
  rootOf,
  type Space,
  spaceOf,
} from '../../../core/pgtable/space.js';
import { checkTree, visitTree } from '../../../core/pgtable/tree.js';
import { rcuReadLock, rcuReadUnlock } from '../../../core/rcu/reader.js';
import { COUNT, total } from '../../crew/control.js';
import { isSet, Performer } from '../../crew/performer.js';
import { throwIfFailed } from '../../crew/ring.js';
import { awaitUnclaimed, LEVELS_COUNTED, MM_WORDS, mmWord, tryClaim, unclaim } from './board.js';
import { pageOfTask, protOfTask, SPACE_TASK, taskOf } from './dispatch.js';
import { frameAddressOf, rightsOf, spanPages, touched } from './frames.js';
import { trySplit } from './large.js';
import { Mapped } from './mapped.js';
import { Places } from './places.js';
import type { Range } from './regions.js';

/** An address space of this mutator's. */
interface Tree {
  readonly mm: number;
  readonly space: Space;
  readonly mapped: Mapped;
}

/** One fault in this many is published: a place must last for some walks. */
const PUBLISH_EVERY = 4;

const PTE = 0;

export class SpaceMutator extends Performer {
  private readonly board: Memory;
  private readonly format: EntryFormat;
  private readonly places: Places;
  private readonly trees = new Map<number, Tree>();
  private readonly skipped: Range[] = [];
  private faults = 0;
  private live = 0;
  private from = { page: 0, pages: 0 };

  constructor(thread: Thread, control: Memory, board: Memory, format: EntryFormat, index: number) {
    super(thread, control, index);
    this.board = board;
    this.format = format;
    this.places = new Places(board, index);
  }

  protected override perform(): void {
    const { task: word, mm, first } = this.ring;
    const task = taskOf(word);
    const tree = this.trees.get(mm);
    if (tree !== undefined) this.change(tree, task, pageOfTask(word, first));
    else if (task === SPACE_TASK.adopt) this.adopt(mm);
    else this.create(mm);
  }

  private change(tree: Tree, task: number, page: number): void {
    const { task: word, second } = this.ring;
    switch (task) {
      case SPACE_TASK.fault:
        this.fault(tree, page, second !== 0);
        break;
      case SPACE_TASK.unmap:
        this.claimed(tree, () => this.unmap(tree, page, second));
        break;
      case SPACE_TASK.protect:
        this.protect(tree, page, page + second, protOfTask(word));
        break;
      case SPACE_TASK.move:
        this.from = { page, pages: second };
        break;
      case SPACE_TASK.to:
        this.move(tree, page);
        break;
      case SPACE_TASK.skip:
        this.skipped.push({ begin: page, end: page + second });
        break;
      case SPACE_TASK.fork:
        this.claimed(tree, () => this.fork(tree, second));
        break;
      case SPACE_TASK.exit:
        this.claimed(tree, () => this.exit(tree));
        break;
    }
  }

  protected override sample(): void {
    super.sample();
    let live = 0;
    // Without their locks: some may be a table or two off.
    for (const { space } of this.trees.values()) live += this.mem.peek(tablesWord(space.record));
    this.count(COUNT.LIVE, live - this.live);
    this.live = live;
    this.atLeast(COUNT.LIVE_PEAK, total(this.control, COUNT.LIVE));
  }

  private makeTree(): { readonly id: MmId; readonly space: Space } {
    const id = this.createMm();
    const space = spaceOf(this.thread, this.format, id);
    this.untilPages(() => makeSpace(space) || null);
    return { id, space };
  }

  private create(mm: number): void {
    const { id, space } = this.makeTree();
    this.count(COUNT.ALLOCS, 1);
    this.trees.set(mm, { mm, space, mapped: new Mapped(spanPages(this.format)) });
    this.announce(this.board, mmWord(mm, MM_WORDS.ID), id);
  }

  /** Takes over a copy that the parent's mutator has made. */
  private adopt(mm: number): void {
    const id = this.awaitUntil(this.board, mmWord(mm, MM_WORDS.ID), isSet) as MmId;
    const space = spaceOf(this.thread, this.format, id);
    const mapped = new Mapped(spanPages(this.format));
    visitTree(space, {
      onTable: (level) => {
        this.gave(mm, level);
        this.count(COUNT.ALLOCS, 1);
      },
      onMapping: ({ vpn, pages }) => {
        // Its table was collapsed in the parent.
        if (pages > 1) this.gave(mm, PTE);
        for (let page = 0; page < pages; page++) mapped.add(vpn + page);
      },
    });
    this.trees.set(mm, { mm, space, mapped });
    const [page] = mapped.pages();
    if (page !== undefined) this.places.publish(mm, page);
  }

  /** Notes that an mm was given a table. */
  private gave(mm: number, level: number): void {
    if (level >= LEVELS_COUNTED) return;
    const word = mmWord(mm, MM_WORDS.TABLES + level);
    this.board.store(word, this.board.peek(word) + 1);
  }

  private fault(tree: Tree, page: number, write: boolean): void {
    this.count(COUNT.FAULTS, 1);
    this.map(tree, page, write);
    if (++this.faults % PUBLISH_EVERY === 0) this.places.publish(tree.mm, page);
  }

  /** Maps a page, or lets it be written where it is mapped. */
  private map({ mm, space, mapped }: Tree, page: number, write: boolean): void {
    const vpn = page as Vpn;
    const span = mapped.spanOf(page);
    const address = frameAddressOf(this.format, mm, page);
    const outcome = this.untilPages(() => {
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
      this.count(COUNT.ALLOCS, 1);
    });
  }

  /** Changes what a mapped page allows; if it is part of a large frame, the whole of that. */
  private allow(space: Space, vpn: Vpn, span: number, prot: Prot): void {
    if (protectStep(space, vpn, 1, prot).kind !== 'large') return;
    const pages = spanPages(this.format);
    protectStep(space, (span * pages) as Vpn, pages, prot);
  }

  private protect({ space, mapped }: Tree, begin: number, end: number, prot: number): void {
    const pages = spanPages(this.format);
    for (const span of mapped.spansWithin(begin, end)) {
      const from = Math.max(begin, span * pages) as Vpn;
      const count = Math.min(end, (span + 1) * pages) - from;
      const rights = prot === 0 ? 0 : rightsOf(span) | (prot & ~rightsOf(1));
      while (protectStep(space, from, count, rights).kind === 'large') this.split(space, from);
    }
  }

  private unmap({ mm, space, mapped }: Tree, begin: number, pages: number): void {
    this.places.takeBack(mm, begin, begin + pages);
    this.unmapPages(space, begin, pages);
    const emptied = mapped.remove(begin, begin + pages);
    if (this.board.load(mmWord(mm, MM_WORDS.MIXED)) === 0) return;
    const span = spanPages(this.format);
    for (const each of emptied) this.unmapPages(space, each * span, span);
  }

  private unmapPages(space: Space, begin: number, pages: number): void {
    for (let page = begin; page < begin + pages; ) {
      const step = unmapStep(space, page as Vpn, begin + pages - page);
      if (step.kind === 'done') {
        this.count(COUNT.UNMAPPED, step.changed);
        page += step.pages;
      } else if (step.kind === 'large') this.split(space, page as Vpn);
      else throw new InvariantError('P8', `unmapping ended with ${step.kind}`);
    }
  }

  private split(space: Space, vpn: Vpn): void {
    this.count(COUNT.ALLOCS, 1);
    if (this.untilPages(() => trySplit(space, vpn))) this.count(COUNT.SPLITS, 1);
  }

  private move(tree: Tree, to: number): void {
    const { page: from, pages } = this.from;
    const moved = tree.mapped.within(from, from + pages);
    this.claimed(tree, () => this.unmap(tree, from, pages));
    for (const page of moved) this.map(tree, page - from + to, true);
  }

  private fork(parent: Tree, child: number): void {
    this.count(COUNT.FORKS, 1);
    const { mm, space } = parent;
    const mixed = mmWord(mm, MM_WORDS.MIXED);
    if (this.board.load(mixed) !== 0) {
      for (const { begin, pages } of parent.mapped.holes()) this.unmapPages(space, begin, pages);
      this.board.store(mixed, 0);
    }
    const copy = this.makeTree();
    let begin = 0;
    for (const skip of this.skipped.splice(0)) {
      this.copy(parent, copy.space, begin, skip.begin);
      begin = skip.end;
    }
    this.copy(parent, copy.space, begin, extentOf(space));
    this.demand(space);
    this.board.store(mmWord(child, MM_WORDS.PARENT), mm + 1);
    this.announce(this.board, mmWord(child, MM_WORDS.ID), copy.id);
  }

  /** Copies what is mapped in a range, span by span: a span without it gets no table. */
  private copy({ space, mapped }: Tree, to: Space, begin: number, end: number): void {
    const pages = spanPages(this.format);
    for (const span of mapped.spansWithin(begin, end)) {
      const from = Math.max(begin, span * pages);
      const until = Math.min(end, (span + 1) * pages);
      if (mapped.within(from, until).length > 0) this.copyPages(space, to, from, until);
    }
  }

  private copyPages(from: Space, to: Space, begin: number, end: number): void {
    for (let page = begin; page < end; ) {
      page += this.untilPages(() => {
        const step = forkStep(from, to, page as Vpn, end - page);
        return step.kind === 'done' ? step.pages : null;
      });
    }
  }

  private exit({ mm, space, mapped }: Tree): void {
    this.places.takeBack(mm, 0, Number.POSITIVE_INFINITY);
    this.demand(space);
    this.demandAll(space, mapped);
    this.board.store(mmWord(mm, MM_WORDS.ID), 0);
    this.unmapPages(space, 0, extentOf(space));
    if (!endSpace(space)) throw new InvariantError('T1', `something is left of mm ${mm}`);
    destroyMm(this.thread, space.mm);
    this.trees.delete(mm);
  }

  /** Context: the mm is claimed. */
  private demand(space: Space): void {
    const [first] = checkTree(space);
    if (first !== undefined) throw new InvariantError(first.rule, first.detail);
  }

  /** Every page that was touched is mapped. Context: the mm is claimed. */
  private demandAll(space: Space, mapped: Mapped): void {
    const found = new Set<number>();
    visitTree(space, {
      onMapping: ({ vpn, pages }) => {
        for (let page = 0; page < pages; page++) found.add(vpn + page);
      },
    });
    for (const page of mapped.pages()) {
      if (!found.has(page)) throw new InvariantError('T3', `page ${page} was mapped and is not`);
    }
  }

  private claimed({ mm }: Tree, action: () => void): void {
    while (!tryClaim(this.board, mm)) {
      throwIfFailed(this.control);
      awaitUnclaimed(this.board, mm);
    }
    action();
    unclaim(this.board, mm);
  }
}
