/** A small heap for scenarios of the core: pages of a few words, the real layout and code. */
import { UsageError } from '../../core/base/errors.js';
import type { KindId, ThreadId, Word } from '../../core/base/units.js';
import { initCommonOwner } from '../../core/frag/mm.js';
import {
  formatHeap,
  type Heap,
  type HeapConfig,
  headerWord,
  type Kind,
  type LockWaits,
  type Thread,
} from '../../core/mem/heap.js';
import { HEAP } from '../../core/mem/layout.js';
import { layoutOf } from '../../core/mem/regions.js';
import { growSupply } from '../../core/mem/supply.js';
import { attachThread, type Flavour } from '../../core/rcu/attach.js';
import type { Operation } from '../model/program.js';
import type { Finding, Scenario, Setup, Stage } from '../model/scenario.js';
import { nameOfWord, showValue } from './names.js';

export interface KitOptions {
  readonly threads: number;
  readonly pages: number;
  /** Fragments to a page: 32 makes two state words. Default: 2. */
  readonly perPage?: number;
  /** Kinds of their own, for page tables; instead of `perPage`. */
  readonly kinds?: readonly Kind[];
  readonly mms?: number;
  readonly sharing?: 'mm' | 'all';
  readonly debug?: boolean;
  readonly spins?: number;
  /** Of the pages, how many the supply does not have yet. */
  readonly sparePages?: number;
  /** Of the threads, how many attach by themselves: the last ones. */
  readonly spareThreads?: number;
  readonly flavours?: readonly Flavour[];
  /** Threads of the scenario that are none of the heap's. */
  readonly others?: number;
  readonly lockWaits?: Partial<LockWaits>;
}

/**
 * A lock's waiter sleeps until it is woken: that no wake-up is lost is what scenarios show. Only
 * where one may be, with a thread that dies, it looks again.
 */
const LOCK_WAITS: LockWaits = { lookMs: 0, stallMs: Number.POSITIVE_INFINITY };

/** What an empty entry holds, as on s390. */
const EMPTY_EVEN = 0x400;

/** The least words of a fragment, two entries, and of a page. */
const FRAGMENT_WORDS_MIN = 4;
const PAGE_WORDS_MIN = 16;

/** Words behind the heap that are the scenario's own: slots that link tables, flags. */
const OWN_WORDS = 16;

export interface Kit {
  readonly heap: Heap;
  readonly threads: readonly Thread[];
  /** How they wait for locks. */
  readonly lockWaits: LockWaits;
  readonly fragmentWords: number;
  /** A word of the scenario's own, behind the heap. */
  readonly own: (index: number) => Word;
}

function fragmentWords(options: KitOptions): number {
  return Math.max(FRAGMENT_WORDS_MIN, PAGE_WORDS_MIN / (options.perPage ?? 2));
}

export const PTE = 0 as KindId;

function configOf(options: KitOptions): HeapConfig {
  const perPage = options.perPage ?? 2;
  const kind: Kind = {
    name: 'pte',
    fragmentWords: fragmentWords(options),
    perPage,
    order: 0,
    emptyEven: EMPTY_EVEN,
    emptyOdd: 0,
    entryWords: fragmentWords(options),
    residueEven: 0,
    residueOdd: 0,
  };
  const kinds = options.kinds ?? [kind];
  const [first] = kinds as readonly [Kind];
  return {
    geometry: 'model',
    kinds,
    pageShift: Math.log2(first.perPage * first.fragmentWords),
    pagesMax: options.pages,
    threadsMax: options.threads,
    mmsMax: (options.mms ?? 1) + 1,
    sharedOwner: options.sharing === 'all',
    debug: options.debug === true,
    // A waiter goes to sleep at once: spinning only repeats what sleeping also shows.
    spins: options.spins ?? 0,
  };
}

/** Words that a scenario with such a kit needs. */
export function kitWords(options: KitOptions): number {
  return layoutOf(configOf(options)).words + OWN_WORDS;
}

/**
 * Makes the heap and attaches the threads. To be called in a scenario's `setup`. What it hands out
 * is frozen, down to the lists: an operation is run again, and what it changed in a handle would
 * still be there (X2).
 */
export function makeKit(stage: Pick<Stage, 'memory'>, options: KitOptions): Kit {
  const config = configOf(options);
  if (config.kinds[0]?.perPage === 1) throw new UsageError('bad-kit', 'a kit shares pages');
  const heap = formatHeap(stage.memory, config);
  initCommonOwner(heap);
  const attached = options.threads - (options.spareThreads ?? 0);
  const lockWaits = Object.freeze({ ...LOCK_WAITS, ...options.lockWaits });
  const threads = Array.from({ length: attached }, (_, id) => {
    const flavour = options.flavours?.[id as ThreadId] ?? 'epoch';
    return attachThread(heap, flavour, lockWaits, { name: '', atSeconds: 0, worker: id });
  });
  growSupply(threads[0] as Thread, options.pages - (options.sparePages ?? 0));
  Object.freeze(heap.kinds);
  return Object.freeze({
    heap,
    threads: Object.freeze(threads),
    lockWaits,
    fragmentWords: fragmentWords(options),
    own: (index: number) => (heap.words + index) as Word,
  });
}

/** How words are named in reports of a kit's scenario. */
export function kitNames(kit: Kit): Pick<Setup, 'nameWord' | 'showValue' | 'brokenWord'> {
  return {
    nameWord: (word) => nameOfWord(kit.heap, word as Word),
    showValue: (word, value) => showValue(kit.heap, word as Word, value),
    brokenWord: headerWord(HEAP.BROKEN),
  };
}

/** A scenario of a kit: its threads are the kit's, in their order, and more behind those. */
export interface KitScenario extends Omit<Scenario, 'setup' | 'words' | 'threads'> {
  readonly kit: KitOptions;
  readonly threads: (kit: Kit, stage: Stage) => readonly (readonly Operation[])[];
  readonly atEnd?: (kit: Kit, results: readonly (readonly unknown[])[], stage: Stage) => Finding[];
}

/** A scenario whose memory is a heap of its own. */
export function kitScenario({ kit: options, threads, atEnd, ...rest }: KitScenario): Scenario {
  return {
    ...rest,
    threads: options.threads + (options.others ?? 0),
    words: kitWords(options),
    setup: (stage) => {
      const kit = makeKit(stage, options);
      return {
        ...kitNames(kit),
        threads: threads(kit, stage),
        atEnd: (results) => atEnd?.(kit, results, stage) ?? [],
      };
    },
  };
}
