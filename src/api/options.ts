/**
 * The options of `createHeap`, each read once and judged, as a configuration for the core.
 *
 * Here each is judged by itself. What sizes go together, and what makes up a kind,
 * core/mem/config.ts knows.
 */
import { isPowerOfTwo } from '../core/base/assert.js';
import { UsageError } from '../core/base/errors.js';
import { isArray, isObject, refusal } from '../core/base/shown.js';
import { checkConfig, LIMITS, type Range } from '../core/mem/config.js';
import type { HeapConfig } from '../core/mem/heap.js';
import { NAME_WORDS } from '../core/mem/layout.js';
import { isNameOf } from '../core/mem/name.js';
import { type Geometry, geometryNamed, kindsOf, type TableKind } from '../core/pgtable/geometry.js';
import { flag, oneOf, optionsOf, wholeNumber } from './arguments.js';
import { type PlaceAsked, placeAsked } from './buffer.js';

/** What `createHeap` makes: sizes, limits, and where. Counts are whole numbers. */
export interface HeapOptions {
  /** A built-in geometry by name, or one of your own. Default: `generic`. */
  readonly geometry?: string | Geometry | undefined;
  /** Pages that can be handed out at first. */
  readonly pages: number;
  /** Pages that `grow` can reach. Only reserved: the OS commits memory when it is touched. */
  readonly pagesMax?: number | undefined;
  /** Threads attached at a time, 1 to 256. Default: 16. */
  readonly threadsMax?: number | undefined;
  /** Address spaces at a time, those that wait for a grace period included. Default: 255. */
  readonly mmsMax?: number | undefined;
  /** One owner of partial pages for each mm, or one for all. Default: `mm`. */
  readonly sharing?: 'mm' | 'all' | undefined;
  /** Find writes after a free, and say who freed: docs/start.md. Slower. Default: false. */
  readonly debug?: boolean | undefined;
  /**
   * Where to put it: a `SharedArrayBuffer`, which a shared `WebAssembly.Memory`'s buffer is. All
   * the heap's bytes in it must be 0; to see to that takes a second for 1 GiB. Default: a new one.
   */
  readonly buffer?: ArrayBufferLike | undefined;
  /**
   * First byte in `buffer`, a multiple of 128. Default: 0. Tables are aligned to their size counted
   * from here: for a machine that finds them in `buffer`, give a multiple of the largest one's.
   */
  readonly byteOffset?: number | undefined;
}

/** What is asked for, once it was judged. */
export interface HeapPlan {
  readonly config: HeapConfig;
  readonly pages: number;
  readonly place: PlaceAsked;
}

const CODE = 'bad-config';

/** Tries of a lock before its waiter sleeps. */
const SPINS = 100;

/** Any whole number: what it may be is judged where it is known what it is for. */
const WHOLE: Range = { least: Number.NEGATIVE_INFINITY, most: Number.MAX_SAFE_INTEGER };

/** A word, with a sign or without. */
const WORD: Range = { least: -(2 ** 31), most: 2 ** 32 - 1 };

/** Mms that users can have: one record is the common owner's. */
const MMS_MAX: Range = { least: LIMITS.mmsMax.least - 1, most: LIMITS.mmsMax.most - 1 };

/** Throws `UsageError` for what is no options of a heap, whatever else it may be. */
export function planOf(options: HeapOptions, what: string): HeapPlan {
  const given = optionsOf<HeapOptions>(options, what);
  const { geometry, pages, pagesMax, threadsMax, mmsMax, sharing, debug, buffer, byteOffset } =
    given;
  const size = (name: string, value: unknown, range: Range): number =>
    wholeNumber(value, range, `${what}: ${name}`, CODE);
  // `pages` first, which must be there: whoever gives no options at all is told of that.
  const first = size('pages', pages, LIMITS.pagesMax);
  const most = size('pagesMax', pagesMax === undefined ? first : pagesMax, LIMITS.pagesMax);
  if (first > most) {
    throw new UsageError(CODE, `${what}: pages is ${first}; allowed are 1 to pagesMax = ${most}`);
  }
  const shape = geometryOf(geometry, what);
  const config: HeapConfig = {
    geometry: shape.name,
    kinds: kindsOf(shape),
    pageShift: Math.log2(shape.pageBytes / 4),
    pagesMax: most,
    threadsMax: size('threadsMax', threadsMax === undefined ? 16 : threadsMax, LIMITS.threadsMax),
    // One record of an mm more than was asked for: number 0 is the common owner's.
    mmsMax: size('mmsMax', mmsMax === undefined ? 255 : mmsMax, MMS_MAX) + 1,
    sharedOwner: oneOf(sharing, ['mm', 'all'], `${what}: sharing`, CODE) === 'all',
    debug: flag(debug, false, `${what}: debug`, CODE),
    spins: SPINS,
  };
  const place = placeAsked(buffer, byteOffset, what);
  checkConfig(config);
  return { config, pages: first, place };
}

/** A copy in which every part was read once, and is of its type. */
function geometryOf(given: unknown, what: string): Geometry {
  if (given === undefined) return geometryNamed('generic');
  if (typeof given === 'string') return geometryNamed(given);
  if (!isObject(given)) {
    const allowed = 'it must be the name of one, or an object with name, pageBytes and kinds';
    throw refusal(CODE, `${what}: geometry`, given, allowed);
  }
  // Once: a getter could answer differently when the heap is laid out.
  const { name, pageBytes, kinds } = given as Geometry;
  const title = `${what}: geometry`;
  return {
    name: nameOf(name, NAME_WORDS.GEOMETRY, `${title}.name`),
    pageBytes: pageBytesOf(pageBytes, `${title}.pageBytes`),
    kinds: kindsFrom(kinds, `${title}.kinds`),
  };
}

function nameOf(value: unknown, words: number, name: string): string {
  if (typeof value === 'string' && isNameOf(words, value)) return value;
  throw refusal(CODE, name, value, `it must be at most ${4 * words} characters of ASCII`);
}

function pageBytesOf(value: unknown, name: string): number {
  const { least, most } = LIMITS.pageShift;
  const [from, to] = [4 * 2 ** least, 4 * 2 ** most];
  const isSize = typeof value === 'number' && Number.isInteger(value) && isPowerOfTwo(value);
  if (isSize && value >= from && value <= to) return value;
  throw refusal(CODE, name, value, `it must be a power of two, ${from} to ${to}`);
}

function kindsFrom(given: unknown, name: string): TableKind[] {
  const { least, most } = LIMITS.kinds;
  // Its length before its elements: an array can be longer than memory.
  const isList = isArray(given);
  const length: unknown = isList ? given.length : undefined;
  if (isList && typeof length === 'number' && length >= least && length <= most) {
    return Array.from({ length }, (_, index) => kindFrom(given[index], `${name}[${index}]`));
  }
  const allowed = `it must be an array of ${least} to ${most} kinds`;
  if (!isList) throw refusal(CODE, name, given, allowed);
  throw new UsageError(CODE, `${name} has length ${length}; ${allowed}`);
}

function kindFrom(given: unknown, title: string): TableKind {
  if (!isObject(given)) {
    throw refusal(CODE, title, given, 'it must be an object with name, bytes and perPage');
  }
  const { name, bytes, perPage, order, emptyLow, emptyHigh, residueLow, slotBytes } =
    given as TableKind;
  const whole = (field: string, value: unknown, range: Range = WHOLE): number =>
    wholeNumber(value, range, `${title}.${field}`, CODE);
  const orZero = (field: string, value: unknown, range?: Range): number =>
    value === undefined ? 0 : whole(field, value, range);
  return {
    name: nameOf(name, NAME_WORDS.KIND, `${title}.name`),
    bytes: whole('bytes', bytes),
    perPage: whole('perPage', perPage),
    order: orZero('order', order),
    emptyLow: orZero('emptyLow', emptyLow, WORD),
    emptyHigh: orZero('emptyHigh', emptyHigh, WORD),
    residueLow: orZero('residueLow', residueLow, WORD),
    slotBytes: orZero('slotBytes', slotBytes),
  };
}
