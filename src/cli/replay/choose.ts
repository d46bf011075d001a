/**
 * Which of the three replays a command line means, and what none of them can be asked for: each has
 * options of its own, and the command has the options of all.
 */
import { UsageError } from '../../core/base/errors.js';
import type { Sharing } from '../../lab/designs/design.js';
import type { AloneOptions } from '../../lab/replay/alone.js';
import type { ReplayWatch } from '../../lab/replay/document.js';
import type { PageTablesOptions } from '../../lab/replay/pgtable/replay.js';
import type { TablesOptions } from '../../lab/replay/tables/replay.js';

/** What the command can be asked for; null: as its help says. */
export interface ReplayAsked {
  readonly file: string;
  readonly threads: number;
  readonly readers: number | null;
  readonly design: string;
  readonly sharing: Sharing;
  readonly geometry: string | null;
  readonly seed: number;
  readonly pages: number | null;
  readonly gpUs: number | null;
  readonly through: 'pgtable' | null;
}

/** A replay, and what it is asked for. */
export type ReplayRequest =
  | ({ readonly way: 'alone' } & Omit<AloneOptions, keyof ReplayWatch>)
  | ({ readonly way: 'tables' } & Omit<TablesOptions, keyof ReplayWatch>)
  | ({ readonly way: 'pgtable' } & Omit<PageTablesOptions, keyof ReplayWatch>);

/** Readers where nobody says how many. */
const READERS = 2;

/** Throws `UsageError` for what the replay that is meant has no option for. */
export function chooseReplay(asked: ReplayAsked): ReplayRequest {
  if (asked.through !== null) return throughPageTables(asked);
  return asked.threads === 1 ? alone(asked) : onThreads(asked);
}

function throughPageTables({ design, geometry, gpUs, ...asked }: ReplayAsked): ReplayRequest {
  if (design !== 'common') {
    const message = `only common has page tables; ${design} has none`;
    throw new UsageError('through-needs-common', message);
  }
  if (geometry !== null || gpUs !== null) {
    const what = geometry === null ? 'grace periods are real' : "geometry is the recording's";
    throw new UsageError('through-alone', `through page tables the ${what}`);
  }
  const { file, threads, sharing, seed, pages } = asked;
  const readers = asked.readers ?? (threads > 1 ? READERS : 0);
  return { way: 'pgtable', file, threads, readers, sharing, seed, pages };
}

function alone({ readers, pages, ...asked }: ReplayAsked): ReplayRequest {
  if (readers !== null && readers > 0) {
    const why = 'with one thread the replay itself decides when grace periods end';
    const message = `readers need at least 2 threads: ${why}`;
    throw new UsageError('readers-need-threads', message);
  }
  if (pages !== null) {
    throw new UsageError('pages-need-threads', 'a number of pages needs at least 2 threads');
  }
  const { file, design, sharing, geometry, gpUs, seed } = asked;
  return { way: 'alone', file, design, sharing, geometry, gpUs, seed };
}

function onThreads({ design, gpUs, ...asked }: ReplayAsked): ReplayRequest {
  if (design !== 'common') {
    const message = `on threads only common runs; ${design} needs --threads 1`;
    throw new UsageError('design-needs-one-thread', message);
  }
  if (gpUs !== null) {
    const message = 'on threads grace periods are real; their length needs 1 thread';
    throw new UsageError('gp-needs-one-thread', message);
  }
  const { file, threads, readers, sharing, geometry, seed, pages } = asked;
  return {
    way: 'tables',
    file,
    threads,
    readers: readers ?? READERS,
    sharing,
    geometry,
    seed,
    pages,
  };
}
