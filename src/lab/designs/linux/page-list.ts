/**
 * The list of pages that an mm allocates from, in a rule: ends known, any page taken out at once.
 *
 * A plain list of objects. Ours threads its list through free fragments, Linux through the page's
 * descriptor; for which page comes first this makes no difference.
 */

export interface ListedPage {
  readonly number: number;
  previous: ListedPage | null;
  next: ListedPage | null;
  listed: boolean;
}

export class PageList<P extends ListedPage> {
  first: P | null = null;
  last: P | null = null;

  addFirst(page: P): void {
    page.listed = true;
    page.next = this.first;
    if (this.first === null) this.last = page;
    else this.first.previous = page;
    this.first = page;
  }

  addLast(page: P): void {
    page.listed = true;
    page.previous = this.last;
    if (this.last === null) this.first = page;
    else this.last.next = page;
    this.last = page;
  }

  /** Takes a page out; nothing happens when it is on no list. */
  remove(page: P): void {
    if (!page.listed) return;
    page.listed = false;
    const { previous, next } = page;
    if (previous === null) this.first = next as P | null;
    else previous.next = next;
    if (next === null) this.last = previous as P | null;
    else next.previous = previous;
    page.previous = null;
    page.next = null;
  }

  /** Numbers of the pages, first to last. */
  numbers(): number[] {
    const numbers: number[] = [];
    for (let page: ListedPage | null = this.first; page !== null; page = page.next) {
      numbers.push(page.number);
    }
    return numbers;
  }
}
