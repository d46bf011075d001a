/**
 * A CPU's way into memory: from a virtual address to a word of RAM.
 *
 * It keeps the page that it found last. That is right for as long as the read section lasts in
 * which it was found, and saves even the look into the TLB; `forget` must be called where a section
 * begins. A CPU has two ports, one for code and one for data.
 */
import { frameOf, NOT_MAPPED, protOf } from 'ptfrag/pgtable';
import { PAGE, PAGE_WORDS } from './machine.mjs';

/** What `wordAt` returns where the access faults. */
export const FAULT = -1;

const NO_PAGE = -1;

/** The lower half of what Sv39 can name; the guest has nothing in the upper one. */
const ADDRESS_END = 2 ** 38;

export class Port {
  /** `find`: the library's walk, for the address of a page. `keep`: for more than one access. */
  constructor(find, keep = true) {
    this.find = find;
    this.keep = keep;
    this.page = NO_PAGE;
    this.word = 0;
    this.prot = 0;
  }

  forget() {
    this.page = NO_PAGE;
  }

  /** Index of the word in RAM, or FAULT. Context: inside a read section, for as long as it lasts. */
  wordAt(address, needs) {
    const offset = address & (PAGE - 1);
    const page = address - offset;
    if (page !== this.page) this.look(page);
    if ((this.prot & needs) !== needs) return FAULT;
    return this.word + (offset >>> 2);
  }

  look(page) {
    const found = page >= 0 && page < ADDRESS_END ? this.find(page) : NOT_MAPPED;
    this.page = this.keep ? page : NO_PAGE;
    this.prot = 0;
    if (found === NOT_MAPPED) return;
    this.prot = protOf(found);
    this.word = frameOf(found) * PAGE_WORDS;
  }
}
