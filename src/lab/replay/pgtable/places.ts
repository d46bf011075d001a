/** A mutator's places: which of its pages it has published, and taking them back in time. */
import type { Memory } from '../../../core/mem/memory.js';
import { PLACES, placeAt, writePlace } from './board.js';

interface Place {
  readonly mm: number;
  readonly page: number;
}

function isWithin(place: Place | null, mm: number, begin: number, end: number): boolean {
  return place?.mm === mm && place.page >= begin && place.page < end;
}

export class Places {
  private readonly board: Memory;
  private readonly mutator: number;
  private readonly list: (Place | null)[] = new Array<Place | null>(PLACES).fill(null);
  private next = 0;

  constructor(board: Memory, mutator: number) {
    this.board = board;
    this.mutator = mutator;
  }

  /** Says that a page is mapped, in the place that has said something else for longest. */
  publish(mm: number, page: number): void {
    this.write(this.next, { mm, page });
    this.next = (this.next + 1) % PLACES;
  }

  /** Whether a place says that one of these pages is mapped. */
  has(mm: number, begin: number, end: number): boolean {
    return this.list.some((place) => isWithin(place, mm, begin, end));
  }

  /** No place says any more that these pages are mapped. */
  takeBack(mm: number, begin: number, end: number): void {
    this.list.forEach((place, index) => {
      if (isWithin(place, mm, begin, end)) this.write(index, null);
    });
  }

  private write(index: number, place: Place | null): void {
    this.list[index] = place;
    writePlace(this.board, placeAt(this.mutator, index), place?.mm ?? -1, place?.page ?? 0);
  }
}
