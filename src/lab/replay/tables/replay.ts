/**
 * The replay on real threads: a dispatcher (this thread) reads the trace and hands operations to
 * mutators; readers walk live tables. At the end all is freed, callbacks drain, the whole heap is
 * checked, and every page must be back.
 */
import type { Violation } from '../../../core/frag/check.js';
import type { Memory } from '../../../core/mem/memory.js';
import type { HeapBuffer } from '../../../core/mem/shared.js';
import { geometryNamed } from '../../../core/pgtable/geometry.js';
import { COUNT, total } from '../../crew/counters.js';
import { Crew } from '../../crew/crew.js';
import type { ThreadEnd } from '../../crew/failure.js';
import type { TraceHeader } from '../../trace/form.js';
import { readTrace, type TraceFacts } from '../../trace/reader.js';
import {
  type CrewedHeap,
  type CrewedOptions,
  checkThreads,
  figuresOf,
  makeHeap,
  rolesOf,
  startAll,
} from '../crewed.js';
import { documentOf, type ReplayDocument, type ReplayFindings } from '../document.js';
import { geometryFor } from '../geometry.js';
import { openBoard, reserveBoard, VIOLATION, violationWord } from './board.js';
import { Dispatcher } from './dispatch.js';

export interface TablesOptions extends CrewedOptions {
  /** Null: that of the recording. */
  readonly geometry: string | null;
}

/**
 * Replays a recording and checks every rule. Throws `InputError` for a bad recording, `UsageError`
 * for what can't be asked for, `OutOfPagesError` when `pages` is too few. Takes seconds: call it in
 * a worker.
 */
export async function replayTables(options: TablesOptions): Promise<ReplayDocument> {
  const beganMs = performance.now();
  checkThreads(options);
  if (options.geometry !== null) geometryNamed(options.geometry);
  const { file, sharing, threads, readers, seed } = options;
  const run = new TablesReplay(options);
  try {
    const asked = { file, design: 'common', sharing, threads, readers, seed };
    return documentOf(asked, await run.run(), beganMs);
  } finally {
    await run.close();
  }
}

class TablesReplay {
  private readonly options: TablesOptions;
  private readonly crew: Crew = new Crew(new URL('./worker.js', import.meta.url));
  private readonly boardBuffer: HeapBuffer = reserveBoard();
  private readonly board: Memory;
  private heap!: CrewedHeap;
  private dispatcher!: Dispatcher;
  private geometry = '';

  constructor(options: TablesOptions) {
    this.options = options;
    this.board = openBoard(this.boardBuffer);
  }

  async run(): Promise<ReplayFindings> {
    const { file, signal, onProgress, threads } = this.options;
    const { crew } = this;
    const facts = await readTrace(file, (event) => crew.feed(() => this.dispatcher.event(event)), {
      signal,
      onHeader: (header) => this.begin(header),
      onProgress: (bytesRead, bytesTotal) => {
        // A file that ends in its header, or is none, is read before there is anything to count.
        const records = this.dispatcher?.records ?? 0;
        const reads = total(crew.control, COUNT.READS);
        onProgress?.({ bytesRead, bytesTotal, records, reads });
      },
    });
    crew.feed(() => this.dispatcher.finish());
    return this.findings(facts, await crew.finish(threads));
  }

  /** Makes the heap and starts the threads, once the trace's header is known. */
  private begin(header: TraceHeader): void {
    const { crew, options } = this;
    const { threads, readers } = options;
    const geometry = geometryFor(header, options.geometry);
    this.geometry = geometry.name;
    this.heap = makeHeap(geometry, threads + readers, options, false);
    this.dispatcher = new Dispatcher(crew.control, threads, header);
    const { heap, boardBuffer: board } = this;
    startAll(rolesOf(options), { crew, heap, seed: options.seed }, { board });
  }

  private findings(facts: TraceFacts, ends: readonly ThreadEnd[]): ReplayFindings {
    const figures = figuresOf(this.crew, this.heap, ends);
    const { firstUs, lastUs, allocs } = facts;
    return {
      facts,
      geometry: this.geometry,
      tables: { peak: this.dispatcher.tables.finish(firstUs, lastUs).peak },
      reused: allocs[0] + allocs[1] - figures.fresh,
      ...figures,
      violations: [...this.readersFound(), ...figures.violations],
    };
  }

  private readersFound(): Violation[] {
    const get = (field: number): number => this.board.load(violationWord(field));
    const count = get(VIOLATION.COUNT);
    if (count === 0) return [];
    const when = get(VIOLATION.AFTER_DWELL) === 1 ? 'after it dwelt' : 'on entering';
    const value = (get(VIOLATION.VALUE) >>> 0).toString(16);
    const what = `word ${get(VIOLATION.OFFSET)} of table ${get(VIOLATION.TABLE)}`;
    const detail = `a reader found 0x${value} in ${what} ${when}, ${count} such reads in all`;
    return [{ rule: 'P1', detail }];
  }

  close(): Promise<void> {
    return this.crew.close();
  }
}
