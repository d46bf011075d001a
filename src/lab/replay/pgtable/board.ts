/**
 * What the threads of a replay through page tables share beside the heap and the rings.
 *
 *   mms      for each mm of the trace its number in the heap, who may change its mappings, whose
 *            copy it is, and how many tables it was given
 *   places   pages that are mapped: where readers look for something to walk to. Each mutator has
 *            some of its own, and takes one back before it unmaps the page
 *
 * A reader that finds a place unchanged after a walk knows that the page was mapped all the while;
 * and one that finds a place inside a read section knows that the mm's record is not reused before
 * the section ends, for the places of an mm are taken back before it ends.
 */
import type { Word } from '../../../core/base/units.js';
import { at } from '../../../core/base/units.js';
import type { Memory } from '../../../core/mem/memory.js';
import {
  type HeapBuffer,
  reserveBuffer,
  SharedMemory,
  viewWords,
} from '../../../core/mem/shared.js';
import { CREW_MAX } from '../../crew/control.js';
import { TRACE_MMS_MAX } from '../limits.js';

/**
 * Words of an mm. ID: its number in the heap, 0 before and after. CLAIM: 1 while somebody changes
 * what it maps. PARENT: 1 + the mm that it is a copy of, or 0. MIXED: 1 when pages are mapped that
 * no fault asked for, because their span was collapsed; written under CLAIM. TABLES: how many it
 * was given, by level; written by its mutator.
 */
export const MM_WORDS = { ID: 0, CLAIM: 1, PARENT: 2, MIXED: 3, TABLES: 4, SIZE: 8 } as const;

/** Levels whose tables are counted by mm. */
export const LEVELS_COUNTED = 2;

/**
 * Words of a place. VERSION is odd while the others change: nothing is there. MM: 1 + the number of
 * the trace's mm, 0 for an empty place.
 */
const PLACE = { VERSION: 0, MM: 1, PAGE: 2, PAGE_HIGH: 3, SIZE: 4 } as const;

/** Places of one mutator: few, so that readers and the collapser meet at the same ones. */
export const PLACES = 16;

const PLACES_AT = TRACE_MMS_MAX * MM_WORDS.SIZE;
const BOARD_WORDS = PLACES_AT + CREW_MAX * PLACES * PLACE.SIZE;

export function reserveBoard(): HeapBuffer {
  return reserveBuffer(BOARD_WORDS * 4);
}

export function openBoard(buffer: HeapBuffer): Memory {
  return new SharedMemory(viewWords(buffer, 0, BOARD_WORDS), true);
}

export function mmWord(mm: number, field: number): Word {
  return (mm * MM_WORDS.SIZE + field) as Word;
}

export function placeAt(mutator: number, index: number): Word {
  return (PLACES_AT + (mutator * PLACES + index) * PLACE.SIZE) as Word;
}

/** A page that is mapped, and which version of its place says so. */
export interface Published {
  readonly place: Word;
  readonly version: number;
  readonly mm: number;
  readonly page: number;
}

/** What a place says; null for nothing. */
export function readPlace(board: Memory, place: Word): Published | null {
  // OBSERVE(place): the mm has its number, and the page is mapped, if this version still stands.
  const version = board.load(place);
  if ((version & 1) !== 0) return null;
  const mm = board.load(at(place, PLACE.MM)) - 1;
  const low = board.load(at(place, PLACE.PAGE)) >>> 0;
  const page = board.load(at(place, PLACE.PAGE_HIGH)) * 2 ** 32 + low;
  return mm < 0 || board.load(place) !== version ? null : { place, version, mm, page };
}

export function isStill(board: Memory, { place, version }: Published): boolean {
  return board.load(place) === version;
}

/** Writes a place. Context: its mutator. `mm` -1 for nothing. */
export function writePlace(board: Memory, place: Word, mm: number, page: number): void {
  const version = board.load(place);
  board.store(place, version + 1);
  board.store(at(place, PLACE.MM), mm + 1);
  board.store(at(place, PLACE.PAGE), page | 0);
  board.store(at(place, PLACE.PAGE_HIGH), Math.floor(page / 2 ** 32));
  // PUBLISH(place): what was mapped before.
  board.store(place, version + 2);
}

/** How long a claim is waited for before its waiter looks again. */
const CLAIM_LOOK_MS = 1;

/** Takes the right to change what an mm maps; false: somebody has it. */
export function tryClaim(board: Memory, mm: number): boolean {
  return board.cas(mmWord(mm, MM_WORDS.CLAIM), 0, 1) === 0;
}

/** Sleeps while somebody has it, or for a moment. */
export function awaitUnclaimed(board: Memory, mm: number): void {
  board.awaitChange(mmWord(mm, MM_WORDS.CLAIM), 1, CLAIM_LOOK_MS);
}

export function unclaim(board: Memory, mm: number): void {
  board.store(mmWord(mm, MM_WORDS.CLAIM), 0);
  board.notify(mmWord(mm, MM_WORDS.CLAIM));
}
