/**
 * The core: allocation, freeing and callbacks that meet in one page or one list.
 *
 * All with the real RCU: `poll` begins and ends grace periods and runs callbacks whenever that is
 * allowed, and the exploration tries every moment, the earliest and the latest included.
 */
import type { MmId, Word } from '../../base/units.js';
import { at } from '../../base/units.js';
import { allocTable } from '../../frag/alloc.js';
import { CALLBACKS } from '../../frag/callback.js';
import { freeTable } from '../../frag/free.js';
import { createMm } from '../../frag/mm.js';
import type { Thread } from '../../mem/heap.js';
import { poll } from '../../rcu/callback.js';
import { rcuReadLock, rcuReadUnlock } from '../../rcu/reader.js';
import {
  checkKit,
  EMPTY_EVEN,
  FRAGMENT_WORDS,
  type Kit,
  type KitOptions,
  kitNames,
  kitWords,
  makeKit,
  PTE,
} from '../kit.js';
import type { Operation } from '../machine.js';
import type { Scenario, Stage } from '../scenario.js';

const POLL_MAX = 4;

/** What a reader of a live table must find in its words at even offsets. */
const STAMP = 7;

function pollOnce(thread: Thread): Operation {
  return () => poll(thread, CALLBACKS, POLL_MAX);
}

interface Body {
  readonly name: string;
  readonly about: string;
  readonly rules: readonly string[];
  readonly mustSee: readonly string[];
  readonly kit: KitOptions;
  readonly threads: (kit: Kit, mm: MmId, stage: Stage) => Operation[][];
}

function scenario({ kit: options, threads, ...rest }: Body): Scenario {
  return {
    ...rest,
    threads: options.threads,
    words: kitWords(options),
    setup: (stage) => {
      const kit = makeKit(stage, options);
      const mm = createMm(kit.threads[0] as Thread);
      return {
        ...kitNames(kit),
        threads: threads(kit, mm, stage),
        atEnd: () => checkKit(kit, false),
      };
    },
  };
}

const freeVsFree = scenario({
  name: 'free-vs-free+one-page',
  about: 'Two frees of one page queue its head once, and both fragments come back.',
  rules: ['P6', 'P7', 'P3', 'H2'],
  mustSee: ['page returned', 'callbacks 1', 'callbacks 2'],
  kit: { threads: 2, pages: 1 },
  threads: (kit, mm, stage) => {
    const [one, two] = kit.threads as [Thread, Thread];
    const tables = [allocTable(one, mm, PTE), allocTable(one, mm, PTE)] as [Word, Word];
    void stage;
    return [
      [(): void => freeTable(one, mm, tables[0]), pollOnce(one)],
      [(): void => freeTable(two, mm, tables[1]), pollOnce(two)],
    ];
  },
});

/** A reader that finds a table through a slot and reads all its words. */
function readThrough(reader: Thread, slot: Word): Operation {
  return () => {
    const { mem } = reader;
    rcuReadLock(reader);
    const table = mem.load(slot) as Word | 0;
    let wrong = 0;
    for (let i = 0; table !== 0 && i < FRAGMENT_WORDS; i += 2) {
      const value = mem.peek(at(table, i));
      if (value !== STAMP && value !== EMPTY_EVEN) wrong++;
    }
    rcuReadUnlock(reader);
    return table === 0 ? 'nothing' : wrong === 0 ? 'live' : 'torn';
  };
}

export const FRAG_SCENARIOS: readonly Scenario[] = [freeVsFree];
export { readThrough };
