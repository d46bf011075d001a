/**
 * A reader of a replay through page tables: walks to pages all the while, without a lock.
 *
 * It takes a page from a place, or another of the same span, and walks to it inside a read section,
 * every other time by way of a TLB of its own. What it finds must be a frame that can have been
 * mapped at that page of that mm; and where the place still stands after the walk, it must find
 * something (T3, T4).
 */

import { InvariantError } from '../../../core/base/errors.js';
import type { MmId, Vpn, Word } from '../../../core/base/units.js';
import { mmRecord } from '../../../core/mem/heap.js';
import { release } from '../../../core/mem/lock.js';
import { reserveBuffer, SharedMemory, viewWords } from '../../../core/mem/shared.js';
import { lowWord } from '../../../core/pgtable/entry.js';
import { isLeaf } from '../../../core/pgtable/format.js';
import { lockLowest, tableLock } from '../../../core/pgtable/lock.js';
import { entryFor, levelOf, type Space, spaceOf } from '../../../core/pgtable/space.js';
import { TLB_SLOT_WORDS, type Tlb, walkCached } from '../../../core/pgtable/tlb.js';
import { NOT_MAPPED, walk } from '../../../core/pgtable/walk.js';
import { quiescent, rcuReadLock, rcuReadUnlock } from '../../../core/rcu/reader.js';
import { COUNT } from '../../crew/counters.js';
import type { Member } from '../../crew/member.js';
import { Roamer } from '../../crew/roamer.js';
import { isStill, MM_WORDS, mmWord, PLACES, type Published, placeAt, readPlace } from './board.js';
import { SPACE_COUNT } from './counters.js';
import { misfit, spanPages } from './frames.js';
import type { Shared } from './shared.js';

/** One visit in this many dwells in its section. */
const DWELL_ONE_IN = 16;

const PAUSE = { sleepOneIn: 64, sleepMs: 0.3, spinMax: 3000 } as const;

const TLB_SLOTS = 64;

const LARGE = 1;

export class SpaceWalker extends Roamer {
  private readonly shared: Shared;
  private readonly tlb: Tlb;
  /** By record, not by mm: a recording has more mms than there are records. */
  private readonly spaces = new Map<Word, Space>();
  /** Whether a span goes from a table to a large frame in one store (entry.ts). */
  private readonly inOneStore: boolean;

  constructor(member: Member, shared: Shared) {
    super(member, PAUSE);
    this.shared = shared;
    const { format } = shared;
    const words = TLB_SLOTS * TLB_SLOT_WORDS;
    const memory = new SharedMemory(viewWords(reserveBuffer(words * 4), 0, words), true);
    this.tlb = { memory, slotsAt: 0 as Word, slots: TLB_SLOTS };
    const large = levelOf(format, LARGE);
    this.inOneStore = format.leafHigh(LARGE, 0, 0) === large.tableHigh;
  }

  protected override turn(): void {
    rcuReadLock(this.thread);
    this.visit();
    rcuReadUnlock(this.thread);
    quiescent(this.thread);
  }

  /** Context: inside a read section. */
  private visit(): void {
    const { board, format, mutators } = this.shared;
    const { prng } = this;
    const at = placeAt(prng.below(mutators), prng.below(PLACES));
    const seen = readPlace(board, at);
    if (seen === null) return;
    const id = board.load(mmWord(seen.mm, MM_WORDS.ID)) as MmId | 0;
    // From here on the mm's record is not reused before the section ends.
    if (id === 0 || !isStill(board, seen)) return;
    const space = this.spaceOf(id);
    const pages = spanPages(format);
    const within = Math.floor(seen.page / pages) * pages + prng.below(pages);
    const page = (prng.below(2) === 0 ? seen.page : within) as Vpn;
    this.walkTo(space, seen, page);
    if (prng.below(DWELL_ONE_IN) !== 0) return;
    this.dwell();
    this.walkTo(space, seen, page);
  }

  private spaceOf(id: MmId): Space {
    const known = this.spaces.get(mmRecord(this.thread.heap, id));
    if (known?.mm === id) return known;
    const space = spaceOf(this.thread, this.shared.format, id);
    this.spaces.set(space.record, space);
    return space;
  }

  private walkTo(space: Space, seen: Published, page: Vpn): void {
    const cached = this.prng.below(2) === 0;
    const found = cached ? walkCached(space, this.tlb, page) : walk(space, page);
    this.count(COUNT.READS);
    this.count(found === NOT_MAPPED ? SPACE_COUNT.NOTHING : SPACE_COUNT.FOUND);
    const { board, format } = this.shared;
    if (found !== NOT_MAPPED) {
      this.met();
      const wrong = misfit(format, board, seen.mm, page, found);
      if (wrong === null) return;
      const where = `page ${page} of mm ${seen.mm}`;
      throw new InvariantError('T3', `a walk found ${wrong}, which was never mapped at ${where}`);
    }
    if (page !== seen.page || !isStill(board, seen)) return;
    const missed = this.inOneStore || !this.isMapped(space, page);
    // Taken back since, so it need not be mapped any more.
    if (!missed || !isStill(board, seen)) return;
    throw new InvariantError('T3', `a walk found nothing at page ${page}, which was mapped`);
  }

  /** Whether a page is mapped, under its table's lock. */
  private isMapped(space: Space, page: Vpn): boolean {
    const { heap, mem } = this.thread;
    const locked = lockLowest(space, page);
    if (locked === null) return false;
    const { number, table } = locked;
    const { format } = this.shared;
    const low = mem.load(lowWord(entryFor(format, number, table, page)));
    release(this.thread, tableLock(heap, table));
    return isLeaf(levelOf(format, number), low);
  }
}
