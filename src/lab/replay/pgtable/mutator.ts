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
import type { MmId } from '../../../core/base/units.js';
import { destroyMm, tablesWord } from '../../../core/frag/mm.js';
import { extentOf } from '../../../core/pgtable/fork.js';
import { endSpace, makeSpace, type Space, spaceOf } from '../../../core/pgtable/space.js';
import { checkTree, visitTree } from '../../../core/pgtable/tree.js';
import { total } from '../../crew/counters.js';
import { throwIfFailed } from '../../crew/failure.js';
import type { Member } from '../../crew/member.js';
import { isSet, Performer } from '../../crew/performer.js';
import { awaitUnclaimed, MM_WORDS, mmWord, tryClaim, unclaim } from './board.js';
import { SPACE_COUNT } from './counters.js';
import { spanPages } from './frames.js';
import { Mapped } from './mapped.js';
import { Mapper, PTE, type Tree } from './mapper.js';
import { Places } from './places.js';
import type { Range } from './regions.js';
import type { Shared } from './shared.js';
import { pageOfTask, protOfTask, SPACE_TASK, taskOf } from './tasks.js';

/** One fault in this many is published: a place must last for some walks. */
const PUBLISH_EVERY = 4;

export class SpaceMutator extends Performer {
  private readonly shared: Shared;
  private readonly mapper: Mapper;
  private readonly places: Places;
  private readonly trees = new Map<number, Tree>();
  private readonly skipped: Range[] = [];
  private faults = 0;
  private live = 0;
  private from = { page: 0, pages: 0 };

  constructor(member: Member, shared: Shared) {
    super(member);
    this.shared = shared;
    this.mapper = new Mapper(this, member.thread, shared);
    this.places = new Places(shared.board, member.index);
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
        this.meetBefore(tree, page, page + second);
        this.claimed(tree, () => this.unmap(tree, page, second));
        break;
      case SPACE_TASK.protect:
        this.mapper.protect(tree, page, page + second, protOfTask(word));
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
        this.meetBefore(tree, 0, Number.POSITIVE_INFINITY);
        this.claimed(tree, () => this.exit(tree));
        break;
    }
  }

  protected override sample(): void {
    super.sample();
    let live = 0;
    // Without their locks: some may be a table or two off.
    for (const { space } of this.trees.values()) live += this.mem.peek(tablesWord(space.record));
    this.count(SPACE_COUNT.LIVE, live - this.live);
    this.live = live;
    this.atLeast(SPACE_COUNT.LIVE_PEAK, total(this.control, SPACE_COUNT.LIVE));
  }

  private makeTree(): { readonly id: MmId; readonly space: Space } {
    const id = this.createMm();
    const space = spaceOf(this.thread, this.shared.format, id);
    this.untilPages(() => makeSpace(space) || null);
    return { id, space };
  }

  private create(mm: number): void {
    const { id, space } = this.makeTree();
    this.count(SPACE_COUNT.ALLOCS, 1);
    this.trees.set(mm, { mm, space, mapped: new Mapped(spanPages(this.shared.format)) });
    this.announce(this.shared.board, mmWord(mm, MM_WORDS.ID), id);
  }

  /** Takes over a copy that the parent's mutator has made. */
  private adopt(mm: number): void {
    const id = this.awaitUntil(this.shared.board, mmWord(mm, MM_WORDS.ID), isSet) as MmId;
    const space = spaceOf(this.thread, this.shared.format, id);
    const mapped = new Mapped(spanPages(this.shared.format));
    visitTree(space, {
      onTable: (level) => {
        this.mapper.gave(mm, level);
        this.count(SPACE_COUNT.ALLOCS, 1);
      },
      onMapping: ({ vpn, pages }) => {
        // Its table was collapsed in the parent.
        if (pages > 1) this.mapper.gave(mm, PTE);
        for (let page = 0; page < pages; page++) mapped.add(vpn + page);
      },
    });
    this.trees.set(mm, { mm, space, mapped });
    const [page] = mapped.pages();
    if (page !== undefined) this.places.publish(mm, page);
  }

  private fault(tree: Tree, page: number, write: boolean): void {
    this.count(SPACE_COUNT.FAULTS, 1);
    this.mapper.map(tree, page, write);
    if (++this.faults % PUBLISH_EVERY === 0) this.places.publish(tree.mm, page);
  }

  /** Before a place is taken back: waits until walkers and collapser have met one. */
  private meetBefore({ mm }: Tree, begin: number, end: number): void {
    if (this.places.has(mm, begin, end)) this.awaitRoamers();
  }

  private unmap({ mm, space, mapped }: Tree, begin: number, pages: number): void {
    this.places.takeBack(mm, begin, begin + pages);
    this.mapper.unmapPages(space, begin, pages);
    const emptied = mapped.remove(begin, begin + pages);
    if (this.shared.board.load(mmWord(mm, MM_WORDS.MIXED)) === 0) return;
    const span = spanPages(this.shared.format);
    for (const each of emptied) this.mapper.unmapPages(space, each * span, span);
  }

  private move(tree: Tree, to: number): void {
    const { page: from, pages } = this.from;
    const moved = tree.mapped.within(from, from + pages);
    this.meetBefore(tree, from, from + pages);
    this.claimed(tree, () => this.unmap(tree, from, pages));
    for (const page of moved) this.mapper.map(tree, page - from + to, true);
  }

  private fork(parent: Tree, child: number): void {
    this.count(SPACE_COUNT.FORKS, 1);
    const { mm, space } = parent;
    const mixed = mmWord(mm, MM_WORDS.MIXED);
    if (this.shared.board.load(mixed) !== 0) {
      for (const { begin, pages } of parent.mapped.holes())
        this.mapper.unmapPages(space, begin, pages);
      this.shared.board.store(mixed, 0);
    }
    const copy = this.makeTree();
    let begin = 0;
    for (const skip of this.skipped.splice(0)) {
      this.copy(parent, copy.space, begin, skip.begin);
      begin = skip.end;
    }
    this.copy(parent, copy.space, begin, extentOf(space));
    this.demand(space);
    this.shared.board.store(mmWord(child, MM_WORDS.PARENT), mm + 1);
    this.announce(this.shared.board, mmWord(child, MM_WORDS.ID), copy.id);
  }

  /** Copies what is mapped in a range, span by span: a span without it gets no table. */
  private copy({ space, mapped }: Tree, to: Space, begin: number, end: number): void {
    const pages = spanPages(this.shared.format);
    for (const span of mapped.spansWithin(begin, end)) {
      const from = Math.max(begin, span * pages);
      const until = Math.min(end, (span + 1) * pages);
      if (mapped.within(from, until).length > 0) this.mapper.copyPages(space, to, from, until);
    }
  }

  private exit({ mm, space, mapped }: Tree): void {
    this.places.takeBack(mm, 0, Number.POSITIVE_INFINITY);
    this.demand(space);
    this.demandAll(space, mapped);
    this.shared.board.store(mmWord(mm, MM_WORDS.ID), 0);
    this.mapper.unmapPages(space, 0, extentOf(space));
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
    while (!tryClaim(this.shared.board, mm)) {
      throwIfFailed(this.control);
      awaitUnclaimed(this.shared.board, mm);
    }
    action();
    unclaim(this.shared.board, mm);
  }
}
