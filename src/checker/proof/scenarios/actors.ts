/**
 * What scenarios of a whole heap have in common: how they are set up, what their threads do, and
 * what is looked at in the end.
 *
 * A scenario is written once and made for each core (designs/core.ts): ours, and the variants that
 * do the same by other means.
 *
 * An operation that returns a string says what it saw. At the end the scenario's own questions are
 * asked first; then all callbacks are run to the last one, and the whole-heap check must find
 * everything in its place (P6, P7, and with them P3 and P4).
 */
import { InvariantError, LimitError, UsageError } from '../../../core/base/errors.js';
import type { MmId, Word } from '../../../core/base/units.js';
import { at } from '../../../core/base/units.js';
import { createMm } from '../../../core/frag/mm.js';
import { formatPage } from '../../../core/frag/ptdesc.js';
import {
  headerWord,
  pageAddress,
  pfnOfAddress,
  ptdescOf,
  type Thread,
} from '../../../core/mem/heap.js';
import { HEAP } from '../../../core/mem/layout.js';
import { type CallbackTable, pollAll, serveQueue } from '../../../core/rcu/callback.js';
import { rcuOffline, rcuReadLock, rcuReadUnlock } from '../../../core/rcu/reader.js';
import { COMMON, type Core } from '../../../core/variants/core.js';
import type { Operation } from '../../model/program.js';
import type { Finding, Scenario, Stage } from '../../model/scenario.js';
import { type Kit, type KitOptions, kitNames, kitWords, makeKit, PTE } from '../kit.js';

/** Callbacks that one poll runs, at most. */
const BATCH_MAX = 4;

/** Rounds of polling after which every callback of a small heap has run. */
const DRAIN_ROUNDS = 8;

/** What lies in a live table behind the two words that a list node may use. */
const STAMP = 7;
const NODE_WORDS = 2;

/** A small heap with one live mm, and what threads can do there. */
export class World {
  readonly kit: Kit;
  readonly core: Core;
  readonly threads: readonly Thread[];
  readonly mm: MmId;
  readonly see: Stage['see'];
  readonly kill: Stage['kill'];

  constructor(kit: Kit, core: Core, { see, kill }: Pick<Stage, 'see' | 'kill'>) {
    this.kit = kit;
    this.core = core;
    this.threads = kit.threads;
    this.mm = createMm(kit.threads[0] as Thread);
    this.see = see;
    this.kill = kill;
  }

  /** Serves one queue, of thread number `owner`: grace periods and ripe callbacks. */
  serve(thread: Thread, owner: Thread): Operation {
    const { callbacks } = this.core;
    return () => `callbacks ${serveQueue(thread, callbacks, owner.id, BATCH_MAX)}`;
  }

  /** As often as it takes, by setting up. */
  serveAll(thread: Thread): void {
    for (let round = 0; round < DRAIN_ROUNDS; round++) this.serve(thread, thread)([]);
  }

  /** Allocates a table, looks at what it holds, and fills it as its owner would. */
  take(thread: Thread, mm: MmId = this.mm): Operation {
    const { core, kit } = this;
    return () => {
      const table = core.allocTable(thread, mm, PTE);
      if (table !== null) stamp(thread, kit, table);
      return table;
    };
  }

  /** As `take`, and a table was there to be had. */
  takeOne(thread: Thread): Word {
    return this.take(thread)([]) as Word;
  }

  /** The first tables of a page, allocated one after the other by setting up. */
  takePage(count: number): Word[] {
    return Array.from({ length: count }, () => this.takeOne(this.threads[0] as Thread));
  }

  free(thread: Thread, table: Word): void {
    this.core.freeTable(thread, this.mm, table);
  }

  destroy(thread: Thread): void {
    this.core.destroyMm(thread, this.mm);
  }

  /** Frees a table known beforehand. */
  drop(thread: Thread, table: Word): Operation {
    return () => this.free(thread, table);
  }

  /** Frees the table that this thread's operation number `which` took, if it got one. */
  dropTaken(thread: Thread, which: number): Operation {
    return (results) => {
      const table = results[which] as Word | null;
      if (table !== null) this.free(thread, table);
    };
  }

  /** Unlinks the table from `slot`, then frees it: what `pte_free_defer` is for. */
  retract(thread: Thread, slot: Word): Operation {
    return () => this.free(thread, thread.mem.exchange(slot, 0) as Word);
  }

  /** A reader that finds a table through a slot and looks at all its words. */
  readThrough(reader: Thread, slot: Word): Operation {
    const { mem } = reader;
    return () => {
      rcuReadLock(reader);
      const table = mem.load(slot) as Word | 0;
      const wrong = table === 0 ? null : findWrong(reader, this.kit, table);
      rcuReadUnlock(reader);
      if (wrong !== null) {
        throw new InvariantError('P2', 'a reader found what its table does not hold', wrong);
      }
      return table === 0 ? 'reader found nothing' : 'reader found a table';
    };
  }
}

export interface Play {
  readonly threads: readonly (readonly Operation[])[];
  /** Asked when all threads have ended, before what is pending is drained. */
  readonly atEnd?: (results: readonly (readonly unknown[])[]) => readonly (Finding | null)[];
  /** Asked after everything was drained. */
  readonly drained?: () => readonly (Finding | null)[];
}

export interface Body extends Omit<Scenario, 'setup' | 'words' | 'threads' | 'mustSee'> {
  readonly kit: KitOptions;
  readonly mustSee: readonly string[] | ((core: Core) => readonly string[]);
  /** Whose callbacks are drained at the end. Default: the core's. */
  readonly callbacks?: (world: World) => CallbackTable;
  readonly play: (world: World) => Play;
}

/** A scenario of the fragment core, to be made for each that does the job. */
export interface CoreScenario {
  /** State words of a page in it. */
  readonly perPage: number;
  readonly make: (core: Core) => Scenario;
}

export function coreScenario(body: Body): CoreScenario {
  return { perPage: body.kit.perPage ?? 2, make: (core) => makeScenario(body, core) };
}

/** A scenario of what all cores have in common, over a small heap with one live mm. */
export function heapScenario(body: Body): Scenario {
  return makeScenario(body, COMMON);
}

function makeScenario(
  { kit: options, play, callbacks, mustSee, ...rest }: Body,
  core: Core,
): Scenario {
  return {
    ...rest,
    design: core.name,
    mustSee: typeof mustSee === 'function' ? mustSee(core) : mustSee,
    threads: options.threads + (options.others ?? 0),
    words: kitWords(options),
    setup: (stage) => {
      const kit = makeKit(stage, options);
      const world = new World(kit, core, stage);
      const played = play(world);
      return {
        ...kitNames(kit),
        threads: played.threads,
        onReturn: (_thread, _operation, result) => {
          if (typeof result === 'string') stage.see(result);
        },
        atEnd: (results) => {
          const found = [...(played.atEnd?.(results) ?? [])];
          drain(kit, callbacks?.(world) ?? core.callbacks);
          found.push(...(played.drained?.() ?? []), ...core.check(kit.heap, { drained: true }));
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

function stamp({ mem, heap }: Thread, kit: Kit, table: Word): void {
  const [kind] = heap.kinds;
  const even = mem.peek(table) === kind?.emptyEven;
  if (!even || mem.peek(at(table, 1)) !== kind.emptyOdd) {
    const found = 'a table was handed out with a list node in it';
    throw new InvariantError('H4', found, even ? at(table, 1) : table);
  }
  for (let i = NODE_WORDS; i < kit.fragmentWords; i++) mem.poke(at(table, i), STAMP);
}

/**
 * The first word that differs from what `take` and the owner leave in a table; null: none. Looks at
 * all of them, for each is one that a race could be about.
 */
function findWrong({ mem, heap }: Thread, kit: Kit, table: Word): Word | null {
  const [kind] = heap.kinds;
  const wrong: Word[] = [];
  if (mem.peek(table) !== kind?.emptyEven) wrong.push(table);
  else if (mem.peek(at(table, 1)) !== kind.emptyOdd) wrong.push(at(table, 1));
  for (let i = NODE_WORDS; i < kit.fragmentWords; i++) {
    if (mem.peek(at(table, i)) !== STAMP) wrong.push(at(table, i));
  }
  return wrong[0] ?? null;
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
  const real = tables.filter((table) => table !== null) as Word[];
  const twice = real.find((table, index) => real.indexOf(table) < index);
  if (twice === undefined) return null;
  return { rule: 'P1', detail: 'one table was handed out twice', word: twice };
}

/** States of the page that a table lies in, for `see`. */
export function statesOf({ heap }: Kit, table: Word): string {
  const kind = heap.kinds[PTE];
  const ptdesc = ptdescOf(heap, pfnOfAddress(heap, table));
  return kind === undefined ? '' : formatPage(heap.mem, ptdesc, kind);
}

/** The state of one table, for `see`. */
export function stateOf(kit: Kit, table: Word): string {
  const { heap, fragmentWords } = kit;
  const page = pageAddress(heap, pfnOfAddress(heap, table));
  return statesOf(kit, table)[(table - page) / fragmentWords] as string;
}

/** Pages in the supply. */
export function freePages({ heap }: Kit): number {
  return heap.mem.peek(headerWord(HEAP.FREE_PAGES));
}
