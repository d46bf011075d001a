/**
 * The replay through page tables: what the processes of a recording did to their address spaces is
 * done again to spaces of ours, on threads, while others walk in them and one collapses them. At
 * the end every space has ended, callbacks drain, the whole heap is checked, and every page must be
 * back.
 */
import { UsageError } from '../../../core/base/errors.js';
import type { Memory } from '../../../core/mem/memory.js';
import type { HeapBuffer } from '../../../core/mem/shared.js';
import type { EntryFormat } from '../../../core/pgtable/format.js';
import { formatNamed } from '../../../core/pgtable/formats/index.js';
import { geometryNamed } from '../../../core/pgtable/geometry.js';
import { CREW_MAX } from '../../crew/control.js';
import { COUNT, largest, total } from '../../crew/counters.js';
import { Crew } from '../../crew/crew.js';
import type { ThreadEnd } from '../../crew/failure.js';
import { readWork } from '../../trace/work.js';
import {
  type CrewedHeap,
  type CrewedOptions,
  checkThreads,
  figuresOf,
  makeHeap,
  rolesOf,
  startAll,
} from '../crewed.js';
import { documentOf, type ReplayFindings } from '../document.js';
import { openBoard, reserveBoard } from './board.js';
import { SPACE_COUNT } from './counters.js';
import { SpaceDispatcher } from './dispatch.js';
import type { PageTablesDocument, PageTablesFindings } from './document.js';
import { filesOf } from './files.js';
import { spanPages } from './frames.js';
import { compareGiven, type Recorded, readRecorded } from './given.js';
import { Workload } from './workload.js';

/** Only common has page tables, and their geometry is the recording's. */
export type PageTablesOptions = CrewedOptions;

/**
 * Replays a recording, either of its two files, and checks every rule. Throws `InputError` for a
 * bad recording, `UsageError` for what can't be asked for, `OutOfPagesError` when `pages` is too
 * few. Takes seconds: call it in a worker.
 */
export async function replayPageTables(options: PageTablesOptions): Promise<PageTablesDocument> {
  const beganMs = performance.now();
  checkThreads(options);
  checkRoomToCollapse(options);
  const { file, signal, sharing, threads, readers, seed } = options;
  const { work, tables } = filesOf(file);
  const run = new SpaceReplay(options, await readRecorded(tables, { signal }));
  try {
    const asked = { file, design: 'common', sharing, threads, readers, seed };
    return documentOf(asked, await run.run(work), beganMs);
  } finally {
    await run.close();
  }
}

/** There is one thread more than those that are asked for: the collapser. */
function checkRoomToCollapse({ threads, readers }: PageTablesOptions): void {
  if (threads + readers < CREW_MAX) return;
  const most = `with one that collapses at most ${CREW_MAX}`;
  const message = `${threads} threads and ${readers} readers; through page tables ${most}`;
  throw new UsageError('bad-threads', message);
}

class SpaceReplay {
  private readonly options: PageTablesOptions;
  private readonly recorded: Recorded;
  private readonly format: EntryFormat;
  private readonly crew: Crew = new Crew(new URL('./worker.js', import.meta.url));
  private readonly boardBuffer: HeapBuffer = reserveBoard();
  private readonly board: Memory;
  private readonly heap: CrewedHeap;

  constructor(options: PageTablesOptions, recorded: Recorded) {
    const { threads, readers } = options;
    const { geometry } = recorded.facts;
    this.options = options;
    this.recorded = recorded;
    this.format = formatNamed(geometry);
    this.board = openBoard(this.boardBuffer);
    this.heap = makeHeap(geometryNamed(geometry), threads + readers + 1, options, true);
  }

  async run(work: string): Promise<ReplayFindings & PageTablesFindings> {
    const { threads, signal, onProgress } = this.options;
    const { crew, format } = this;
    const { control } = crew;
    this.start();
    const dispatcher = new SpaceDispatcher(control, threads);
    const workload = new Workload(dispatcher, 2 ** format.pageShift, spanPages(format));
    await readWork(work, (event) => crew.feed(() => workload.event(event)), {
      signal,
      onProgress: (bytesRead, bytesTotal) => {
        const { records } = dispatcher;
        onProgress?.({ bytesRead, bytesTotal, records, reads: total(control, COUNT.READS) });
      },
    });
    crew.feed(() => {
      workload.finish();
      dispatcher.finish();
    });
    return this.findings(await crew.finish(threads), workload);
  }

  private start(): void {
    const { crew, heap, options, boardBuffer: board } = this;
    const { threads: mutators, seed } = options;
    const roles = [...rolesOf(options), 'collapser'] as const;
    const format = this.recorded.facts.geometry;
    startAll(roles, { crew, heap, seed }, { board, format, mutators });
  }

  private findings(
    ends: readonly ThreadEnd[],
    workload: Workload,
  ): ReplayFindings & PageTablesFindings {
    const { crew, heap, recorded } = this;
    const figures = figuresOf(crew, heap, ends);
    const sum = (field: number): number => total(crew.control, field);
    return {
      facts: recorded.facts,
      geometry: recorded.facts.geometry,
      ...figures,
      tables: { peak: largest(crew.control, SPACE_COUNT.LIVE_PEAK) },
      reused: sum(SPACE_COUNT.ALLOCS) - figures.fresh,
      through: 'pgtable',
      faults: sum(SPACE_COUNT.FAULTS),
      unmapped: sum(SPACE_COUNT.UNMAPPED),
      forks: sum(SPACE_COUNT.FORKS),
      collapses: sum(SPACE_COUNT.COLLAPSES),
      splits: sum(SPACE_COUNT.SPLITS),
      walks: { found: sum(SPACE_COUNT.FOUND), nothing: sum(SPACE_COUNT.NOTHING) },
      given: compareGiven(recorded, this.board, workload),
    };
  }

  close(): Promise<void> {
    return this.crew.close();
  }
}
