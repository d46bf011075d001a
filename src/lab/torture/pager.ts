/**
 * Maps, unmaps and protects pages of a space that all pagers have, and forks it; now and then it
 * enters and leaves the mm. It can be killed anywhere: what it alone knows nobody needs.
 */
import { LimitError, OutOfPagesError } from '../../api/index.js';
import { type AddressSpace, openSpace, PROT } from '../../api/pgtable/index.js';
import type { MmId } from '../../core/base/units.js';
import { COUNT } from '../crew/counters.js';
import { SPACE_PAGES, TALLY } from './options.js';
import { Torturer } from './torturer.js';

/** A page is mapped to one of so many frames, which no other page is ever mapped to. */
const FRAMES = 3;

const RANGE_MAX = 8;
const FORK_ONE_IN = 64;
const USER_ONE_IN = 16;

export function frameFits(page: number, frame: number): boolean {
  return Math.floor(frame / FRAMES) === page;
}

export class Pager extends Torturer {
  private space: AddressSpace | null = null;

  protected override turn(): void {
    const space = this.space ?? openSpace(this.thread, this.data.space as MmId);
    this.space = space;
    try {
      this.change(space);
    } catch (error) {
      // Of pages or of records there may be none left for a while.
      if (!(error instanceof OutOfPagesError) && !(error instanceof LimitError)) throw error;
      this.count(COUNT.OUT_OF_PAGES);
    }
    this.count(COUNT.OPERATIONS);
  }

  private change(space: AddressSpace): void {
    const { prng, thread } = this;
    const page = prng.below(SPACE_PAGES - RANGE_MAX);
    const address = page * space.pageBytes;
    const bytes = (1 + prng.below(RANGE_MAX)) * space.pageBytes;
    const frame = page * FRAMES + prng.below(FRAMES);
    switch (prng.below(4)) {
      case 0:
        space.unmapRange(address, bytes);
        break;
      case 1:
        space.protect(address, bytes, PROT.read);
        break;
      default:
        space.mapPage(address, frame * space.pageBytes, PROT.read | PROT.write);
    }
    if (prng.below(USER_ONE_IN) === 0) {
      thread.enterMm(space.mm);
      thread.leaveMm(space.mm);
    }
    if (prng.below(FORK_ONE_IN) !== 0) return;
    space.fork().exit();
    this.count(TALLY.FORKS);
  }
}
