/** What an attached thread does to take tables and mms, and to give tables back. */
import type { Word } from '../core/base/units.js';
import { allocTable, lockBeforeAlloc } from '../core/frag/alloc.js';
import { freeTable } from '../core/frag/free.js';
import { tryCreateMm } from '../core/frag/mm.js';
import { requireKind, requireMm, requireTable } from './arguments.js';
import type { KindId, MmId } from './ids.js';
import {
  allocAgain,
  createMmAgain,
  finish,
  noTable,
  type ObtainAsyncOptions,
  type ObtainOptions,
  obtainAsync,
  waitAsked,
} from './obtain.js';
import type { Operations } from './operation.js';
import {
  ALLOC_TABLE,
  ALLOC_TABLE_ASYNC,
  FREE_TABLE,
  OPERATIONS,
  TRY_ALLOC_TABLE,
} from './operations.js';

export function createMmBy(operations: Operations, options: ObtainOptions | undefined): MmId {
  const waitMs = waitAsked(operations.here(), 'createMm', options);
  return operations.run(
    OPERATIONS.createMm,
    (core) => tryCreateMm(core) ?? finish(core, createMmAgain(core, waitMs)),
  );
}

/** Hot: no closure is made, and nothing is looked up that need not be. */
export function allocTableBy(
  operations: Operations,
  mm: MmId,
  kind: KindId,
  options: ObtainOptions | undefined,
): Word {
  requireMm(mm, 'allocTable');
  requireKind(kind, 'allocTable');
  // Judged first: else a mistake would show only once pages run out.
  const waitMs = waitAsked(operations.here(), 'allocTable', options, ALLOC_TABLE_ASYNC.name);
  const core = operations.begin(ALLOC_TABLE);
  let table: Word;
  try {
    table = allocTable(core, mm, kind) ?? allocAgain(core, mm, kind, waitMs) ?? noTable(core, mm);
  } catch (error) {
    throw operations.failed(error);
  }
  operations.end();
  return table;
}

export function tryAllocTableBy(operations: Operations, mm: MmId, kind: KindId): Word | null {
  requireMm(mm, 'tryAllocTable');
  requireKind(kind, 'tryAllocTable');
  return operations.run(
    TRY_ALLOC_TABLE,
    (core) => allocTable(core, mm, kind) ?? allocAgain(core, mm, kind, 0),
  );
}

export async function allocTableAsyncBy(
  operations: Operations,
  mm: MmId,
  kind: KindId,
  options: ObtainAsyncOptions,
): Promise<Word> {
  requireMm(mm, ALLOC_TABLE_ASYNC.name);
  requireKind(kind, ALLOC_TABLE_ASYNC.name);
  const core = operations.here();
  const attempt = (): Word | null => allocTable(core, mm, kind);
  const inTheWay = (): Word | 0 => lockBeforeAlloc(core, mm, kind);
  const table = await obtainAsync(operations, ALLOC_TABLE_ASYNC, options, attempt, inTheWay);
  return table ?? noTable(core, mm);
}

/** Hot, as `allocTableBy`. */
export function freeTableBy(operations: Operations, mm: MmId, table: number): void {
  requireMm(mm, 'freeTable');
  requireTable(table, 'freeTable');
  const core = operations.begin(FREE_TABLE);
  try {
    freeTable(core, mm, table as Word);
  } catch (error) {
    throw operations.failed(error);
  }
  operations.end();
}
