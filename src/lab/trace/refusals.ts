/** How a line is refused that contradicts the lines before it: what it says, and what must be. */
import { TRACE_KIND } from './event.js';
import type { Page } from './pages.js';
import type { Fragment, RecordLine } from './record.js';

export class Refusals {
  private readonly at: RecordLine;

  constructor(at: RecordLine) {
    this.at = at;
  }

  pageNotHeld(page: number): Error {
    const found = `page ${page.toString(16)} is not held for any mm`;
    return this.at.refuse('page-not-held', found, 'an N that takes the page before');
  }

  pageTakenTwice(page: number, how: string): Error {
    const found = `fresh page ${page.toString(16)} ${how}`;
    return this.at.refuse('page-taken-twice', found, 'fragment 0 of a page that is free');
  }

  doubleAlloc(place: Fragment): Error {
    const found = named(place, 'is allocated');
    return this.at.refuse('double-alloc', found, 'a fragment that is free');
  }

  reusedEarly(place: Fragment): Error {
    const found = named(place, 'waits for its end');
    return this.at.refuse('reused-early', found, 'the end of its last table before');
  }

  freeTwice(place: Fragment): Error {
    const found = named(place, 'is freed again');
    return this.at.refuse('free-twice', found, 'one free of each table');
  }

  freeWithoutAlloc(place: Fragment): Error {
    const found = named(place, 'is not allocated and is freed');
    return this.at.refuse('free-without-alloc', found, 'its allocation before');
  }

  endWithoutFree(place: Fragment): Error {
    const found = named(place, 'ends and no free waits for it');
    return this.at.refuse('end-without-free', found, 'its free before');
  }

  wrongMm(place: Fragment, name: number): Error {
    const found = named(place, `belongs to another mm than m${name}`);
    return this.at.refuse('wrong-mm', found, 'the mm that allocated it');
  }

  wrongRelease(page: number, how: string): Error {
    const found = `page ${page.toString(16)} is given back and ${how}`;
    return this.at.refuse('wrong-release', found, 'the release of a held page without tables');
  }

  wrongKind({ kind, pfn }: Page): Error {
    const name = kind === TRACE_KIND.pte ? 'PTE' : 'PMD';
    const found = `page ${pfn.toString(16)} holds ${name} tables`;
    return this.at.refuse('wrong-kind', found, `an operation on ${name} tables`);
  }

  noSuchFragment({ index }: Fragment, perPage: number): Error {
    const found = `fragment ${index} of a page with ${perPage}`;
    return this.at.refuse('bad-line', found, `an index below ${perPage}`);
  }
}

function named({ page, index }: Fragment, what: string): string {
  return `${page.toString(16)}.${index} ${what}`;
}
