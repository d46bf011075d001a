/**
 * Values of every kind, to be given for anything; and of each parameter of what is published which
 * of them may be right, with one that is.
 */
import type { AttachedThread, MmId, Table } from 'ptfrag';
import { type AddressSpace, PROT, type Tlb } from 'ptfrag/pgtable';
import type { ExitingWorker, LifeLocks } from 'ptfrag/recovery';

function refuseToConvert(): never {
  throw new Error('somebody converted an object');
}

/** What a user's own code throws: it passes through as it is. */
export const THROWN = new Error('thrown by what was given');

const refuse = (): never => {
  throw THROWN;
};
/** A Proxy of which every trap throws. */
const THROWS: unknown = new Proxy({}, new Proxy({}, { get: () => refuse }));

function revoked(target: object): unknown {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

const REVOKED: readonly unknown[] = [revoked({}), revoked([]), revoked(() => 0)];

const HIDES_A_NUMBER = { valueOf: () => 1, toString: () => '1' };
const CAN_NOT_CONVERT = { valueOf: refuseToConvert, toString: refuseToConvert };

export const VALUES: readonly unknown[] = [
  ...[undefined, null, true, false],
  ...[-1, -0, 0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ...[2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53, 1n, -1n, 2n ** 70n],
  ...['', '0', '1', 'map', 'length', Symbol('x'), Symbol.iterator],
  ...[[], [0], {}, HIDES_A_NUMBER, CAN_NOT_CONVERT, Object.create(null) as unknown],
  ...[THROWS, ...REVOKED],
  ...[() => 0, new Map(), new ArrayBuffer(8), new Int32Array(2)],
];

/** What functions are called with: two threads, and on the first one an mm and a space. */
export interface World {
  readonly buffer: SharedArrayBuffer;
  readonly thread: AttachedThread;
  readonly other: AttachedThread;
  readonly mm: MmId;
  readonly table: Table;
  readonly space: AddressSpace;
  readonly tlb: Tlb;
}

interface Row {
  /** One that is right. */
  readonly right: (world: World) => unknown;
  /** Whether one of VALUES may be right, too: -0 is 0, undefined is left out. */
  readonly mayBe?: (value: unknown) => boolean;
}

const isNumber = (value: unknown): value is number => typeof value === 'number';
const leftOut = (value: unknown): boolean => value === undefined;
const isWhole = (value: unknown): boolean =>
  isNumber(value) && value >= 0 && (Number.isInteger(value) || value === Number.POSITIVE_INFINITY);
const isAddress = (value: unknown): boolean => typeof value === 'bigint' || isWhole(value);
const isZero = (value: unknown): boolean => value === 0;
const isTime = (value: unknown): boolean => leftOut(value) || (isNumber(value) && value >= 0);
const isFlag = (value: unknown): boolean => leftOut(value) || typeof value === 'boolean';
const isText = (value: unknown): boolean => typeof value === 'string';
const isFunction = (value: unknown): boolean => readable(value) === 'a function';
const isOptions = (value: unknown): boolean =>
  leftOut(value) || (typeof value === 'object' && readable(value) === 'an object');
const isInteger = (value: unknown): boolean => leftOut(value) || Number.isInteger(value);

const isWorker = (value: unknown): boolean =>
  leftOut(value) || (isWhole(value) && (value as number) < 2 ** 22 - 2);

/** A worker that has just exited, and locks of one that nobody has any more. */
const EXITING: ExitingWorker = { threadId: 9, once: (_, listener) => listener() };
export const LOCKS: LifeLocks = {
  request: async (_, callback) => void callback(),
  query: async () => ({ held: [{ name: 'pte' }] }),
};

const KIND = { name: 'block', bytes: 256, perPage: 16 };
const GEOMETRY = { name: 'pool', pageBytes: 4096, kinds: [KIND] };

/** By name and type of a parameter, or of a field of options. */
export const ROWS: Readonly<Record<string, Row>> = {
  'mm: MmId': { right: ({ mm }) => mm },
  'kind: KindId': { right: () => 0, mayBe: (value) => leftOut(value) || isZero(value) },
  'table: number': { right: ({ table }) => table },
  'base: number': { right: () => 4096, mayBe: isInteger },
  'offset: number': { right: () => 1, mayBe: isInteger },
  'found: number': { right: () => 3, mayBe: isZero },
  'va: Address': { right: () => 0x400000, mayBe: isAddress },
  'bytes: Address': { right: () => 4096, mayBe: isAddress },
  'address: number': { right: () => 0, mayBe: isWhole },
  'prot: Prot': { right: () => PROT.read, mayBe: isZero },
  'slots: number': { right: () => 2 },
  'tlb: Tlb': { right: ({ tlb }) => tlb },
  'max: number': { right: () => 1, mayBe: (value) => leftOut(value) || isWhole(value) },
  'pages: number': { right: () => 1, mayBe: isWhole },
  'section: Section & (() => Result) & UnlessAsync<Section>': {
    right: () => () => 1,
    mayBe: isFunction,
  },
  'name: string': { right: () => 'pte', mayBe: (value) => isText(value) || leftOut(value) },
  'lockStallMs: number': { right: () => 100, mayBe: isTime },
  'worker: number': { right: () => 9, mayBe: isWorker },
  'worker: ExitingWorker': { right: () => EXITING },
  'locks: LifeLocks': { right: () => LOCKS, mayBe: leftOut },
  'thread: AttachedThread': { right: ({ thread }) => thread },
  'core: Thread': { right: () => null },
  'buffer: ArrayBufferLike | HeapHandle': { right: ({ buffer }) => buffer },
  'options: HeapOptions': { right: () => ({ pages: 2 }) },
  'options: AttachOptions': { right: () => ({ flavour: 'qsbr' }), mayBe: isOptions },
  'options: HeapCheckOptions': { right: () => ({ drained: false }), mayBe: isOptions },
  'options: WaitOptions': { right: () => ({ stallMs: 100 }), mayBe: isOptions },
  'options: WaitAsyncOptions': { right: () => ({ stallMs: 100 }), mayBe: isOptions },
  'options: ObtainOptions': { right: () => ({ waitMs: 100 }), mayBe: isOptions },
  'options: ObtainAsyncOptions': { right: () => ({ waitMs: 100 }), mayBe: isOptions },
  'options: ImageOptions': { right: () => ({ base: 4096 }), mayBe: isOptions },
  'everyMs: number': { right: () => 50, mayBe: leftOut },
  'silentMs: number': { right: () => 100, mayBe: isTime },
  'onReport: (report: WatchReport) => void': { right: () => () => {}, mayBe: isFunction },
  'options: WatchOptions': { right: () => ({ onReport: () => {} }) },
  'options: RecoverAtExitOptions': { right: () => ({ stallMs: 100 }), mayBe: isOptions },
  'options: RecoverAtReleaseOptions': { right: () => ({ locks: LOCKS }), mayBe: isOptions },
  'options: RangeOptions': { right: () => ({ onProgress: () => {} }), mayBe: isOptions },
  'geometry: string | Geometry': { right: () => GEOMETRY, mayBe: leftOut },
  'pagesMax: number': { right: () => 4, mayBe: leftOut },
  'threadsMax: number': { right: () => 4, mayBe: leftOut },
  'mmsMax: number': { right: () => 4, mayBe: leftOut },
  "sharing: 'mm' | 'all'": { right: () => 'all', mayBe: leftOut },
  'debug: boolean': { right: () => true, mayBe: isFlag },
  'buffer: ArrayBufferLike': { right: () => new SharedArrayBuffer(1 << 20), mayBe: leftOut },
  'byteOffset: number': { right: () => 0, mayBe: (value) => leftOut(value) || isWhole(value) },
  'flavour: Flavour': { right: () => 'epoch', mayBe: leftOut },
  'drained: boolean': { right: () => false, mayBe: isFlag },
  'queues: boolean': { right: () => true, mayBe: isFlag },
  'waitMs: number': { right: () => 100, mayBe: isTime },
  'stallMs: number': { right: () => 100, mayBe: isTime },
  'signal: AbortSignal': { right: () => new AbortController().signal, mayBe: leftOut },
  'onProgress: ((done: number, total: number) => unknown)': {
    right: () => () => {},
    mayBe: (value) => leftOut(value) || isFunction(value),
  },
  'pageBytes: number': { right: () => 4096 },
  'kinds: readonly TableKind[]': { right: () => [KIND] },
  'bytes: number': { right: () => 256 },
  'perPage: number': { right: () => 16 },
  'order: number': { right: () => 0, mayBe: (value) => leftOut(value) || isZero(value) },
  'emptyLow: number': { right: () => 1, mayBe: isInteger },
  'emptyHigh: number': { right: () => 1, mayBe: isInteger },
  'residueLow: number': { right: () => 1, mayBe: isInteger },
  'slotBytes: number': { right: () => 8, mayBe: (value) => leftOut(value) || isZero(value) },
};

/** What each shape must have beside the field that is tried. */
export const SHAPES: Readonly<Record<string, object>> = {
  HeapOptions: { pages: 2 },
  Geometry: GEOMETRY,
  TableKind: KIND,
  WatchOptions: { onReport: () => {} },
};

/** Said of an object that lacks something, or has something wrong in it. */
const LACKS = /(?:: pages|: onReport|\.name|\[0\]) is |buffer is (?:an ArrayBuffer|a view)/;

/** Whether a message shows what was given, or of an object the part of it that was wrong. */
export function shows(message: string, value: unknown): boolean {
  const isHeld = typeof value === 'object';
  if (message.includes(readable(value))) return true;
  if (typeof value === 'number' || typeof value === 'bigint') {
    return message.includes(`0x${value.toString(16)}`) || (value === 0 && / 0[ ;]/.test(message));
  }
  return isHeld && LACKS.test(message);
}

/** Of a message that begins with the call that it is about: the name of that. */
export const SPEAKS_OF = /^(\w+)(?:: | (?:in|out)side | without | would )/;

/** In a message: what was given, so that its reader recognizes it. */
export function readable(value: unknown): string {
  if (REVOKED.includes(value)) return 'a revoked Proxy';
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'symbol') return String(value);
  if (typeof value === 'function') return 'a function';
  if (Object.is(value, -0)) return '-0';
  if (typeof value !== 'object' || value === null) return String(value);
  return Array.isArray(value) ? 'an array' : 'an object';
}
