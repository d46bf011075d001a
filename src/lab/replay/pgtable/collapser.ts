/**
 * The collapse thread of a replay: makes spans large frames, and tables of pages again, while
 * others fault in them and walk through them. What khugepaged does, without asking whether it pays.
 */
import type { MmId, Vpn } from '../../../core/base/units.js';
import { CALLBACKS } from '../../../core/frag/callback.js';
import { collapse } from '../../../core/pgtable/collapse.js';
import { spaceOf } from '../../../core/pgtable/space.js';
import { poll } from '../../../core/rcu/callback.js';
import { COUNT } from '../../crew/counters.js';
import type { Member } from '../../crew/member.js';
import { Roamer } from '../../crew/roamer.js';
import { MM_WORDS, mmWord, PLACES, placeAt, readPlace, tryClaim, unclaim } from './board.js';
import { SPACE_COUNT } from './counters.js';
import { largeAddress, spanPages, touched } from './frames.js';
import { trySplit } from './large.js';
import type { Shared } from './shared.js';

/** Turns between two polls. */
const POLL_EVERY = 16;
const POLL_MAX = 32;

const PAUSE = { sleepOneIn: 16, sleepMs: 0.2, spinMax: 2000 } as const;

export class Collapser extends Roamer {
  private readonly shared: Shared;
  private turns = 0;

  constructor(member: Member, shared: Shared) {
    super(member, PAUSE);
    this.shared = shared;
  }

  protected override turn(): void {
    this.visit();
    this.dwell();
    if (++this.turns % POLL_EVERY !== 0) return;
    this.count(COUNT.CALLBACKS, poll(this.thread, CALLBACKS, POLL_MAX));
  }

  private visit(): void {
    const { board, mutators } = this.shared;
    const { prng } = this;
    const seen = readPlace(board, placeAt(prng.below(mutators), prng.below(PLACES)));
    if (seen === null || !tryClaim(board, seen.mm)) return;
    // Claimed, so the mm can't end; but it may have ended before.
    const id = board.load(mmWord(seen.mm, MM_WORDS.ID)) as MmId | 0;
    if (id !== 0) this.change(seen.mm, id, seen.page as Vpn);
    unclaim(board, seen.mm);
  }

  private change(mm: number, id: MmId, page: Vpn): void {
    const { board, format } = this.shared;
    const space = spaceOf(this.thread, format, id);
    const span = Math.floor(page / spanPages(format));
    if (this.prng.below(2) === 0) {
      board.store(mmWord(mm, MM_WORDS.MIXED), 1);
      const address = largeAddress(format, mm, span);
      if (!collapse(space, page, address, touched(span, true))) return;
      this.count(SPACE_COUNT.COLLAPSES);
      this.met();
      return;
    }
    const done = trySplit(space, page);
    if (done !== null) this.count(SPACE_COUNT.ALLOCS);
    if (done === true) this.count(SPACE_COUNT.SPLITS);
  }
}
