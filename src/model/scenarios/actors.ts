/**
 * What scenarios of a whole heap have in common: how they are set up, what their threads do, and
 * what is looked at in the end.
 *
 * An operation that returns a string says what it saw. At the end the scenario's own questions are
 * asked first; then all callbacks are run to the last one, and the whole-heap check must find
 * everything in its place (P6, P7, and with them P3 and P4).
 */
import { LimitError, UsageError } from '../../base/errors.js';
import type { MmId, Word } from '../../base/units.js';
import { at } from '../../base/units.js';
import { allocTable } from '../../frag/alloc.js';
import { CALLBACKS } from '../../frag/callback.js';
import { freeTable } from '../../frag/free.js';
import { createMm } from '../../frag/mm.js';
import { formatPage } from '../../frag/ptdesc.js';
import { headerWord, pfnOfAddress, ptdescOf, type Thread } from '../../mem/heap.js';
import { HEAP } from '../../mem/layout.js';
import { type CallbackTable, pollAll, serveQueue } from '../../rcu/callback.js';
import { rcuOffline, rcuReadLock, rcuReadUnlock } from '../../rcu/reader.js';
import { checkKit, type Kit, type KitOptions, kitNames, kitWords, makeKit, PTE } from '../kit.js';
import type { Operation } from '../machine.js';
import type { Finding, Scenario, Stage } from '../scenario.js';

/** Callbacks that one poll runs, at most. */
const BATCH_MAX = 4;

/** Rounds of polling after which every callback of a small heap has run. */
const DRAIN_ROUNDS = 8;

/** What lies in a live table behind the two words that a list node may use. */
const STAMP = 7;
const NODE_WORDS = 2;

export interface World {
  readonly kit: Kit;
  readonly threads: readonly Thread[];
  /** A live mm. */
  readonly mm: MmId;
  readonly see: Stage['see'];
}

export interface Play {
  readonly threads: readonly (readonly Operation[])[];
  /** Asked when all threads have ended, before what is pending is drained. */
  readonly atEnd?: (results: readonly (readonly unknown[])[]) => readonly (Finding | null)[];
  /** Asked after everything was drained. */
  readonly drained?: () => readonly (Finding | null)[];
}

export interface Body extends Omit<Scenario, 'setup' | 'words' | 'threads'> {
  readonly kit: KitOptions;
  /** Whose callbacks are drained at the end. Default: the core's. */
  readonly callbacks?: (world: World) => CallbackTable;
  readonly play: (world: World) => Play;
}

/** A scenario over a small heap with one live mm. */
export function heapScenario({ kit: options, play, callbacks, ...rest }: Body): Scenario {
  return {
    ...rest,
    threads: options.threads,
    words: kitWords(options),
    setup: (stage) => {
      const kit = makeKit(stage, options);
      const { threads } = kit;
      const mm = createMm(threads[0] as Thread);
      const world: World = { kit, threads, mm, see: stage.see };
      const played = play(world);
      return {
        ...kitNames(kit),
        threads: played.threads,
        onReturn: (_thread, _operation, result) => {
          if (typeof result === 'string') stage.see(result);
        },
        atEnd: (results) => {
          const found = [...(played.atEnd?.(results) ?? [])];
          drain(kit, callbacks?.(world) ?? CALLBACKS);
          found.push(...(played.drained?.() ?? []), ...checkKit(kit, true));
          return found.filter((finding) => finding !== null);
        },
      };
    },
  };
}

/** Runs all callbacks; every thread is outside of sections and operations. */
function drain(kit: Kit, callbacks: CallbackTable): void {
  for (const thread of kit.threads) rcuOffline(thread);
  for (let round = 0; round < DRAIN_ROUNDS; round++) {
    pollAll(kit.threads[0] as Thread, callbacks, BATCH_MAX);
  }
}

/** Serves one queue, of thread number `owner`: grace periods and ripe callbacks. */
export function serve(thread: Thread, owner: Thread): Operation {
  return () => `callbacks ${serveQueue(thread, CALLBACKS, owner.id, BATCH_MAX)}`;
}

/** Allocates a table, looks at what it holds, and fills it as its owner would. */
export function take(thread: Thread, mm: MmId, kit: Kit): Operation {
  return () => {
    const table = allocTable(thread, mm, PTE);
    if (table !== null) stamp(thread, kit, table);
    return table;
  };
}

/** As `take`, and a table was there to be had. */
export function takeOne(thread: Thread, mm: MmId, kit: Kit): Word {
  return take(thread, mm, kit)([]) as Word;
}

function stamp({ mem, heap }: Thread, kit: Kit, table: Word): void {
  const [kind] = heap.kinds;
  if (mem.peek(table) !== kind?.emptyEven || mem.peek(at(table, 1)) !== kind.emptyOdd) {
    throw new LeftoverError();
  }
  for (let i = NODE_WORDS; i < kit.fragmentWords; i++) mem.poke(at(table, i), STAMP);
}

class LeftoverError extends Error {
  override readonly name = 'LeftoverError';
  readonly rule = 'H4';

  constructor() {
    super('a table was handed out with a list node in it');
  }
}

/** Frees a table known beforehand. */
export function drop(thread: Thread, mm: MmId, table: Word): Operation {
  return () => freeTable(thread, mm, table);
}

/** Frees the table that this thread's operation number `which` took, if it got one. */
export function dropTaken(thread: Thread, mm: MmId, which: number): Operation {
  return (results) => {
    const table = results[which] as Word | null;
    if (table !== null) freeTable(thread, mm, table);
  };
}

/** Unlinks the table from `slot`, then frees it: what `pte_free_defer` is for. */
export function retract(thread: Thread, mm: MmId, slot: Word): Operation {
  return () => {
    const table = thread.mem.exchange(slot, 0) as Word;
    freeTable(thread, mm, table);
  };
}

/** A reader that finds a table through a slot and looks at all its words. */
export function readThrough(reader: Thread, slot: Word, kit: Kit): Operation {
  const { mem, heap } = reader;
  const [kind] = heap.kinds;
  return () => {
    rcuReadLock(reader);
    const table = mem.load(slot) as Word | 0;
    let wrong = 0;
    if (table !== 0) {
      if (mem.peek(table) !== kind?.emptyEven || mem.peek(at(table, 1)) !== kind.emptyOdd) wrong++;
      for (let i = NODE_WORDS; i < kit.fragmentWords; i++) {
        if (mem.peek(at(table, i)) !== STAMP) wrong++;
      }
    }
    rcuReadUnlock(reader);
    if (wrong > 0) throw new TornError();
    return table === 0 ? 'reader found nothing' : 'reader found a table';
  };
}

class TornError extends Error {
  override readonly name = 'TornError';
  readonly rule = 'P2';

  constructor() {
    super('a reader found other words than the table it went to holds');
  }
}

/** Links the table that operation number `which` took, if it got one. */
export function link(thread: Thread, slot: Word, which: number): Operation {
  return (results) => {
    const table = results[which] as Word | null;
    if (table === null) return 'nothing to link';
    thread.mem.store(slot, table);
    return 'linked';
  };
}

/** The outcome of what may be refused: its code, or `done`. */
export function orRefused(what: string, operation: () => unknown): Operation {
  return () => {
    try {
      operation();
      return `${what}: done`;
    } catch (error) {
      if (error instanceof UsageError) return `${what}: ${error.code}`;
      if (error instanceof LimitError) return `${what}: no room`;
      throw error;
    }
  };
}

/** Tables that were taken and kept must differ (P1). */
export function distinct(tables: readonly unknown[]): Finding | null {
  const real = tables.filter((table) => table !== null);
  if (new Set(real).size === real.length) return null;
  return { rule: 'P1', detail: `one table was handed out twice: ${real.join(', ')}` };
}

/** States of the page that a table lies in, for `see`. */
export function statesOf({ heap }: Kit, table: Word): string {
  const kind = heap.kinds[PTE];
  const ptdesc = ptdescOf(heap, pfnOfAddress(heap, table));
  return kind === undefined ? '' : formatPage(heap.mem, ptdesc, kind);
}

/** Pages in the supply. */
export function freePages({ heap }: Kit): number {
  return heap.mem.peek(headerWord(HEAP.FREE_PAGES));
}

/** All tables of a page, allocated one after the other by setting up. */
export function takePage({ kit, threads, mm }: World, count: number): Word[] {
  return Array.from({ length: count }, () => takeOne(threads[0] as Thread, mm, kit));
}
