/**
 * What users give, judged once, at the edge: before a lock is taken, or a word is written.
 *
 * The core compares and adds what it is given, under locks. A bigint there throws with the lock
 * held, and the text 'map' finds a method of an array. So every public function asks here first
 * whether its arguments are of the right type; whether a number is that of something in this heap,
 * the core knows. Nothing given is converted: no `valueOf`, no `toString` is ever called. An option
 * is read once, for a getter could answer differently the second time. What a getter throws passes,
 * or a trap of a Proxy: it is its maker's. A revoked Proxy is nobody's, and refused like a number.
 */
import { isObject, isRevoked, refusal } from '../core/base/shown.js';
import type * as units from '../core/base/units.js';
import type { HeapCheckOptions } from '../core/frag/check.js';
import type { Range } from '../core/mem/config.js';
import type { Thread } from '../core/mem/heap.js';
import { WORKERS_MAX } from '../core/rcu/attached.js';
import type { KindId, MmId } from './ids.js';

/** Whether something is a whole number of 32 bits, with a sign. Hot: nothing is allocated. */
export function isWord(value: unknown): value is number {
  // `| 0` leaves nothing else as it is, and would throw for a bigint.
  return typeof value === 'number' && (value | 0) === value;
}

/** Refuses what no number of an mm can be. Hot. */
export function requireMm(mm: MmId, what: string): asserts mm is units.MmId {
  if (isWord(mm)) return;
  throw refusal('no-such-mm', `${what}: mm`, mm, 'it must be a number that createMm returned');
}

/** The same for a kind. */
export function requireKind(kind: KindId, what: string): asserts kind is units.KindId {
  if (isWord(kind)) return;
  const allowed = 'it must be a number that kind() returned, 0 for the first kind';
  throw refusal('no-such-kind', `${what}: kind`, kind, allowed);
}

/** The same for the address of a table. */
export function requireTable(table: number, what: string): void {
  if (isWord(table)) return;
  const allowed = 'it must be an address that allocTable returned';
  throw refusal('foreign-fragment', `${what}: table`, table, allowed);
}

/** Options as an object, whatever is in it; left out, an empty one. */
export function optionsOf<Options extends object>(
  options: Options | undefined,
  what: string,
): Partial<Options> {
  if (options === undefined) return {};
  if (isObject(options)) return options;
  throw refusal('bad-option', `${what}: options`, options, 'it must be an object, or left out');
}

/** Beyond what there is, too: no more than that is done. */
export const FINITE_COUNT: Range = { least: 0, most: Number.MAX_SAFE_INTEGER };
export const ANY_COUNT: Range = { least: 0, most: Number.POSITIVE_INFINITY };

/** Numbers of JavaScript threads that users give. */
export const WORKERS: Range = { least: 0, most: WORKERS_MAX - 1 };

/** A whole number of a range, or Infinity where that is the end; -0 comes back as 0. */
export function wholeNumber(
  value: unknown,
  { least, most }: Range,
  name: string,
  code: string,
): number {
  const isWhole = typeof value === 'number' && Math.floor(value) === value;
  if (isWhole && value >= least && value <= most) return value + 0;
  const allowed = `it must be a whole number${rangeText(least, most)}`;
  throw refusal(code, name, value, allowed);
}

function rangeText(least: number, most: number): string {
  if (least === Number.NEGATIVE_INFINITY) return '';
  return most >= Number.MAX_SAFE_INTEGER ? `, ${least} or more` : `, ${least} to ${most}`;
}

/** A time in milliseconds, which may be infinite; `fallback` if left out. */
export function milliseconds(value: unknown, fallback: number, name: string): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && value >= 0) return value + 0;
  throw refusal('bad-option', name, value, 'it must be milliseconds: 0 or more, or Infinity');
}

/** True or false; `fallback` if left out. */
export function flag(value: unknown, fallback: boolean, name: string, code: string): boolean {
  if (value === undefined) return fallback;
  if (typeof value === 'boolean') return value;
  throw refusal(code, name, value, 'it must be true or false');
}

/** The options of a check of the whole heap, each read once. */
export function checkOptionsOf(options: HeapCheckOptions | undefined): HeapCheckOptions {
  const { drained, queues } = optionsOf(options, 'check');
  return {
    drained: flag(drained, false, 'check: drained', 'bad-option'),
    queues: flag(queues, true, 'check: queues', 'bad-option'),
  };
}

/** Refuses what `attach` did not make a thread of. */
export function requireCore(core: Thread): void {
  if (isObject(core) && isObject(core.heap)) return;
  throw refusal('bad-thread', 'AttachedThread: core', core, 'call attach, which makes one');
}

/** One of a few words; the first if left out. */
export function oneOf<Name extends string>(
  value: unknown,
  names: readonly [Name, ...Name[]],
  name: string,
  code: string,
): Name {
  if (value === undefined) return names[0];
  const found = names.find((each) => each === value);
  if (found !== undefined) return found;
  throw refusal(code, name, value, `it must be ${names.map((each) => `'${each}'`).join(' or ')}`);
}

/** Refuses what can't be called. */
export function requireFunction(value: unknown, name: string, code: string): void {
  if (typeof value === 'function' && !isRevoked(value)) return;
  throw refusal(code, name, value, 'it must be a function');
}

/** Refuses what can't say that a wait is to end. One of another window is as good as ours. */
export function signalOf(value: unknown, name: string): AbortSignal | undefined {
  if (value === undefined) return undefined;
  const { throwIfAborted } = isObject(value) ? (value as AbortSignal) : {};
  if (typeof throwIfAborted === 'function') return value as AbortSignal;
  throw refusal('bad-option', name, value, "it must be an AbortController's signal");
}
