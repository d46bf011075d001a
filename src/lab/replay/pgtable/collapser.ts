/**
 * The collapse thread of a replay: makes spans large frames, and tables of pages again, while
 * others fault in them and walk through them. What khugepaged does, without asking whether it pays.
 */
import { Prng } from '../../../core/base/prng.js';
import type { MmId, Vpn } from '../../../core/base/units.js';
import { CALLBACKS } from '../../../core/frag/callback.js';
import type { Thread } from '../../../core/mem/heap.js';
import type { Memory } from '../../../core/mem/memory.js';
import { collapse } from '../../../core/pgtable/collapse.js';
import type { EntryFormat } from '../../../core/pgtable/format.js';
import { spaceOf } from '../../../core/pgtable/space.js';
import { poll } from '../../../core/rcu/callback.js';
import { CONTROL, COUNT, controlWord, count } from '../../crew/control.js';
import { MM_WORDS, mmWord, PLACES, placeAt, readPlace, tryClaim, unclaim } from './board.js';
import { largeAddress, spanPages, touched } from './frames.js';
import { trySplit } from './large.js';

/** Turns between two polls. */
const POLL_EVERY = 16;
const POLL_MAX = 32;

/** One turn in this many sleeps; the others spin for a while. */
const SLEEP_ONE_IN = 16;
const SLEEP_MS = 0.2;
const SPIN_MAX = 2000;

export class Collapser {
  private readonly thread: Thread;
  private readonly control: Memory;
  private readonly board: Memory;
  private readonly format: EntryFormat;
  private readonly index: number;
  private readonly mutators: number;
  private readonly prng: Prng;

  constructor(
    thread: Thread,
    control: Memory,
    board: Memory,
    format: EntryFormat,
    { index, mutators, seed }: { index: number; mutators: number; seed: number },
  ) {
    this.thread = thread;
    this.control = control;
    this.board = board;
    this.format = format;
    this.index = index;
    this.mutators = mutators;
    this.prng = new Prng(seed);
  }

  /** Works until the dispatcher says stop. */
  run(): void {
    const stop = controlWord(CONTROL.STOP);
    for (let turn = 1; this.control.load(stop) === 0; turn++) {
      this.turn();
      this.dwell();
      if (turn % POLL_EVERY !== 0) continue;
      this.count(COUNT.CALLBACKS, poll(this.thread, CALLBACKS, POLL_MAX));
    }
  }

  private turn(): void {
    const { board, prng } = this;
    const seen = readPlace(board, placeAt(prng.below(this.mutators), prng.below(PLACES)));
    if (seen === null || !tryClaim(board, seen.mm)) return;
    // Claimed, so the mm can't end; but it may have ended before.
    const id = board.load(mmWord(seen.mm, MM_WORDS.ID)) as MmId | 0;
    if (id !== 0) this.change(seen.mm, id, seen.page as Vpn);
    unclaim(board, seen.mm);
  }

  private change(mm: number, id: MmId, page: Vpn): void {
    const space = spaceOf(this.thread, this.format, id);
    const span = Math.floor(page / spanPages(this.format));
    if (this.prng.below(2) === 0) {
      this.board.store(mmWord(mm, MM_WORDS.MIXED), 1);
      const address = largeAddress(this.format, mm, span);
      if (collapse(space, page, address, touched(span, true))) this.count(COUNT.COLLAPSES, 1);
      return;
    }
    const done = trySplit(space, page);
    if (done !== null) this.count(COUNT.ALLOCS, 1);
    if (done === true) this.count(COUNT.SPLITS, 1);
  }

  private count(field: number, by: number): void {
    count(this.control, this.index, field, by);
  }

  private dwell(): void {
    if (this.prng.below(SLEEP_ONE_IN) === 0) {
      this.control.awaitChange(controlWord(CONTROL.STOP), 0, SLEEP_MS);
      return;
    }
    const spins = this.prng.below(SPIN_MAX);
    for (let spin = 0; spin < spins; spin++) this.prng.next();
  }
}
