/** A small heap for scenarios of the core: pages of a few words, the real layout and code. */
import { UsageError } from '../base/errors.js';
import type { KindId, ThreadId, Word } from '../base/units.js';
import { checkHeap } from '../frag/check.js';
import { initCommonOwner } from '../frag/mm.js';
import { formatHeap, type Heap, type HeapConfig, type Kind, type Thread } from '../mem/heap.js';
import { layoutOf } from '../mem/layout.js';
import { growSupply } from '../mem/supply.js';
import { attachThread, type Flavour } from '../rcu/attach.js';
import { nameOfWord, showValue } from './names.js';
import type { Finding, Setup, Stage } from './scenario.js';

export interface KitOptions {
  readonly threads: number;
  readonly pages: number;
  /** Fragments to a page: 32 makes two state words. Default: 2. */
  readonly perPage?: number;
  readonly mms?: number;
  readonly sharing?: 'mm' | 'all';
  readonly debug?: boolean;
  readonly flavours?: readonly Flavour[];
}

/** Words of a fragment: two entries. Also what an empty entry holds, as on s390. */
export const FRAGMENT_WORDS = 4;
export const EMPTY_EVEN = 0x400;

/** Words behind the heap that are the scenario's own: slots that link tables, flags. */
const OWN_WORDS = 16;

export interface Kit {
  readonly heap: Heap;
  readonly threads: readonly Thread[];
  /** A word of the scenario's own. */
  readonly own: (index: number) => Word;
}

export const PTE = 0 as KindId;

function configOf(options: KitOptions): HeapConfig {
  const perPage = options.perPage ?? 2;
  const kind: Kind = {
    name: 'pte',
    fragmentWords: FRAGMENT_WORDS,
    perPage,
    order: 0,
    emptyEven: EMPTY_EVEN,
    emptyOdd: 0,
    entryWords: FRAGMENT_WORDS,
    residueEven: 0,
    residueOdd: 0,
  };
  return {
    geometry: 'model',
    kinds: [kind],
    pageShift: Math.max(4, Math.log2(perPage * FRAGMENT_WORDS)),
    pagesMax: options.pages,
    threadsMax: options.threads,
    mmsMax: (options.mms ?? 1) + 1,
    sharedOwner: options.sharing === 'all',
    debug: options.debug === true,
    // A waiter goes to sleep at once: spinning only repeats what sleeping also shows.
    spins: 0,
  };
}

/** Words that a scenario with such a kit needs. */
export function kitWords(options: KitOptions): number {
  return layoutOf(configOf(options)).words + OWN_WORDS;
}

/** Makes the heap and attaches the threads. To be called in a scenario's `setup`. */
export function makeKit(stage: Stage, options: KitOptions): Kit {
  const config = configOf(options);
  if (config.kinds[0]?.perPage === 1) throw new UsageError('bad-kit', 'a kit shares pages');
  const heap = formatHeap(stage.memory, config);
  initCommonOwner(heap);
  const threads = Array.from({ length: options.threads }, (_, id) =>
    attachThread(heap, options.flavours?.[id as ThreadId] ?? 'epoch'),
  );
  growSupply(threads[0] as Thread, options.pages);
  return { heap, threads, own: (index) => (heap.words + index) as Word };
}

/** How words are named in reports of a kit's scenario. */
export function kitNames(kit: Kit): Pick<Setup, 'nameWord' | 'showValue'> {
  return {
    nameWord: (word) => nameOfWord(kit.heap, word),
    showValue: (word, value) => showValue(kit.heap, word, value),
  };
}

/** The whole-heap check as a scenario's last word. */
export function checkKit(kit: Kit, drained: boolean): Finding[] {
  return checkHeap(kit.heap, { drained });
}

