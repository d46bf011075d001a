/**
 * Replaying a trace: with one thread deterministically, with more on real threads, with readers
 * that walk what is live all the while.
 */

import { DesignReplay } from '../compare/design-replay.js';
import { Level } from '../compare/level.js';
import { makeDesign } from '../designs/index.js';
import { OP } from '../trace/event.js';
import { requireFit } from '../trace/fit.js';
import { readTrace } from '../trace/reader.js';
import {
  checkOptions,
  geometryFor,
  type ReplayDocument,
  type ReplayFindings,
  type ReplayOptions,
} from './options.js';
import { replayThroughTables, type ThroughFindings } from './pgtable/replay.js';
import { replayOnThreads } from './tables/replay.js';

export type { ReplayDocument, ReplayOptions, ReplayProgress } from './options.js';

/** The document of a replay through page tables. */
export type ThroughDocument = ReplayDocument & ThroughFindings;

/**
 * Replays a trace and checks every rule. Throws `InputError` for a bad trace, `UsageError` for
 * options that can't be, `OutOfPagesError` when `pages` is too few. Runs for as long as it takes:
 * call it in a worker.
 */
export async function replayTrace(
  options: ReplayOptions,
): Promise<ReplayDocument | ThroughDocument> {
  checkOptions(options);
  const begin = performance.now();
  const found = await wayToReplay(options)(options);
  const { facts, ...rest } = found;
  const holds = found.violations.length === 0;
  return {
    command: 'replay',
    verdict: holds ? 'holds' : 'violated',
    ok: holds,
    trace: {
      file: options.file,
      allocs: facts.allocs[0] + facts.allocs[1],
      frees: facts.frees[0] + facts.frees[1] + facts.freesNow[0] + facts.freesNow[1],
      mms: facts.mms,
    },
    ...rest,
    design: options.design,
    sharing: options.sharing,
    threads: options.threads,
    readers: options.readers,
    seed: options.seed,
    seconds: (performance.now() - begin) / 1000,
  };
}

function wayToReplay({ through, threads }: ReplayOptions): typeof replayAlone {
  if (through !== null) return replayThroughTables;
  return threads === 1 ? replayAlone : replayOnThreads;
}

/** One thread, the trace's clock: figures are exact and repeatable. */
async function replayAlone(options: ReplayOptions): Promise<ReplayFindings> {
  const { design, sharing, gpUs } = options;
  const tables = new Level();
  let replay: DesignReplay | undefined;
  let geometry = '';
  let records = 0;
  const facts = await readTrace(
    options.file,
    (event) => {
      records++;
      if (event.op === OP.alloc) tables.add(event.timeUs, 1);
      if (event.op === OP.free || event.op === OP.freeNow) tables.add(event.timeUs, -1);
      replay?.event(event);
    },
    {
      signal: options.signal,
      onHeader: (header) => {
        requireFit(design, header);
        const shape = geometryFor(header, options.geometry);
        geometry = shape.name;
        const length = gpUs ?? header.form.gpUs;
        const mode = length === null ? 'recorded' : 'gp';
        replay = new DesignReplay(makeDesign(design, shape, sharing, mode), length ?? 0);
      },
      onProgress: (bytesRead, bytesTotal) =>
        options.onProgress?.({ bytesRead, bytesTotal, records, reads: 0 }),
    },
  );
  if (replay === undefined) throw new Error('a trace without a header was read to its end');
  const result = replay.finish(facts);
  const [pte, pmd] = result.kinds;
  return {
    facts,
    geometry,
    pages: { ...pte.pages },
    tables: { peak: tables.finish(facts.firstUs, facts.lastUs).peak },
    fresh: pte.fresh + pmd.fresh,
    reused: pte.reused + pmd.reused,
    gracePeriods: result.gracePeriods,
    callbacks: result.callbacks,
    reads: 0,
    violations: result.violations,
  };
}
