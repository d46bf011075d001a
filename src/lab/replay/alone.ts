/**
 * The replay on one thread: a design driven by the recording's own clock, so that figures are exact
 * and repeatable.
 */
import { UsageError } from '../../core/base/errors.js';
import { geometryNamed } from '../../core/pgtable/geometry.js';
import { DesignRun } from '../compare/design-run.js';
import { Level } from '../compare/level.js';
import type { Sharing } from '../designs/design.js';
import { designNamed, makeDesign } from '../designs/index.js';
import { OP, type TraceEvent } from '../trace/event.js';
import { requireFit } from '../trace/fit.js';
import type { TraceHeader } from '../trace/form.js';
import { readTrace, type TraceFacts } from '../trace/reader.js';
import {
  documentOf,
  type ReplayDocument,
  type ReplayFindings,
  type ReplayWatch,
} from './document.js';
import { geometryFor } from './geometry.js';

export interface AloneOptions extends ReplayWatch {
  readonly file: string;
  readonly design: string;
  readonly sharing: Sharing;
  /** Null: that of the recording. */
  readonly geometry: string | null;
  /** Length of a grace period in microseconds; null: what the recording's form says. */
  readonly gpUs: number | null;
  /** For the document: nothing here is left to chance. */
  readonly seed: number;
}

/**
 * Replays a recording and checks every rule. Throws `InputError` for a bad recording, `UsageError`
 * for what can't be asked for. Takes seconds: call it in a worker.
 */
export async function replayAlone(options: AloneOptions): Promise<ReplayDocument> {
  const beganMs = performance.now();
  checkOptions(options);
  const { file, design, sharing, seed } = options;
  const found = await new LoneReplay(options).run();
  return documentOf({ file, design, sharing, threads: 1, readers: 0, seed }, found, beganMs);
}

function checkOptions({ design, geometry, gpUs }: AloneOptions): void {
  if (gpUs !== null && !(gpUs > 0)) {
    throw new UsageError('bad-gp', `a grace period of ${gpUs} us; expected > 0`);
  }
  if (geometry !== null) geometryNamed(geometry);
  designNamed(design);
}

class LoneReplay {
  private readonly options: AloneOptions;
  private readonly tables = new Level();
  private designRun!: DesignRun;
  private geometry = '';
  private records = 0;

  constructor(options: AloneOptions) {
    this.options = options;
  }

  async run(): Promise<ReplayFindings> {
    const { file, signal, onProgress } = this.options;
    const facts = await readTrace(file, (event) => this.event(event), {
      signal,
      onHeader: (header) => this.begin(header),
      onProgress: (bytesRead, bytesTotal) =>
        onProgress?.({ bytesRead, bytesTotal, records: this.records, reads: 0 }),
    });
    return this.findings(facts);
  }

  private begin(header: TraceHeader): void {
    const { design, sharing, geometry, gpUs } = this.options;
    requireFit(design, header);
    const shape = geometryFor(header, geometry);
    this.geometry = shape.name;
    const length = gpUs ?? header.form.gpUs;
    const mode = length === null ? 'recorded' : 'gp';
    this.designRun = new DesignRun(makeDesign(design, shape, sharing, mode), length ?? 0);
  }

  private event(event: TraceEvent): void {
    const { op, timeUs } = event;
    this.records++;
    if (op === OP.alloc) this.tables.add(timeUs, 1);
    if (op === OP.free || op === OP.freeNow) this.tables.add(timeUs, -1);
    this.designRun.event(event);
  }

  private findings(facts: TraceFacts): ReplayFindings {
    const { kinds, gracePeriods, callbacks, violations } = this.designRun.finish(facts);
    const [pte, pmd] = kinds;
    return {
      facts,
      geometry: this.geometry,
      pages: { ...pte.pages },
      tables: { peak: this.tables.finish(facts.firstUs, facts.lastUs).peak },
      fresh: pte.fresh + pmd.fresh,
      reused: pte.reused + pmd.reused,
      gracePeriods,
      callbacks,
      reads: 0,
      violations,
    };
  }
}
