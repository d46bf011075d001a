/**
 * The replay through page tables: what the processes of a recording did to their address spaces is
 * done again to spaces of ours, on threads, while others walk in them and one collapses them. At
 * the end every space has ended, callbacks drain, the whole heap is checked, and every page must be
 * back.
 */
import { createHeap } from '../../../api/heap.js';
import { type Heap, headerWord, openHeap } from '../../../core/mem/heap.js';
import { HEAP } from '../../../core/mem/layout.js';
import type { Memory } from '../../../core/mem/memory.js';
import { type HeapBuffer, SharedMemory, viewWords } from '../../../core/mem/shared.js';
import { formatNamed } from '../../../core/pgtable/formats/index.js';
import { geometryNamed } from '../../../core/pgtable/geometry.js';
import { GP_COMPLETED } from '../../../core/rcu/grace-period.js';
import { COUNT, largest, total } from '../../crew/control.js';
import { Crew, type Drained, drainHeap, failuresOf, meanOf } from '../../crew/crew.js';
import { pagesInUse } from '../../crew/performer.js';
import { readWork } from '../../trace/work.js';
import type { ReplayFindings, ReplayOptions } from '../options.js';
import { MMS_MAX, RESERVE_BYTES } from '../tables/replay.js';
import { openBoard, reserveBoard } from './board.js';
import { SpaceDispatcher } from './dispatch.js';
import { filesOf } from './files.js';
import { spanPages } from './frames.js';
import { compareGiven, type Recorded, readRecorded, type TablesCompared } from './given.js';
import type { SpaceWorkerData } from './worker.js';
import { Workload } from './workload.js';

/** What such a replay says beside what all replays do. */
export interface ThroughFindings {
  readonly through: 'pgtable';
  readonly faults: number;
  /** Pages. */
  readonly unmapped: number;
  readonly forks: number;
  readonly collapses: number;
  readonly splits: number;
  readonly walks: { readonly found: number; readonly nothing: number };
  /** Tables that mms were given, beside what was recorded. */
  readonly given: readonly TablesCompared[];
}

export async function replayThroughTables(
  options: ReplayOptions,
): Promise<ReplayFindings & ThroughFindings> {
  const { work, tables } = filesOf(options.file);
  const recorded = await readRecorded(tables, { signal: options.signal });
  const run = new SpaceReplay(options, recorded);
  try {
    return await run.run(work);
  } finally {
    await run.close();
  }
}

class SpaceReplay {
  private readonly options: ReplayOptions;
  private readonly recorded: Recorded;
  private readonly crew: Crew = new Crew(new URL('./worker.js', import.meta.url));
  private readonly boardBuffer: HeapBuffer = reserveBoard();
  private readonly board: Memory;
  private readonly heap: Heap;
  private readonly heapBuffer: HeapBuffer;

  constructor(options: ReplayOptions, recorded: Recorded) {
    this.options = options;
    this.recorded = recorded;
    this.board = openBoard(this.boardBuffer);
    const geometry = geometryNamed(recorded.facts.geometry);
    const handle = createHeap({
      geometry,
      pages: options.pages ?? RESERVE_BYTES / geometry.pageBytes,
      // Mutators, readers, the collapser, and this one at the end.
      threadsMax: options.threads + options.readers + 2,
      mmsMax: MMS_MAX,
      sharing: options.sharing,
      debug: true,
    });
    this.heapBuffer = handle.buffer;
    this.heap = openHeap(new SharedMemory(viewWords(handle.buffer, 0, handle.bytes / 4), true));
  }

  async run(work: string): Promise<ReplayFindings & ThroughFindings> {
    const { threads, signal, onProgress } = this.options;
    const { crew } = this;
    const { control } = crew;
    this.start();
    const dispatcher = new SpaceDispatcher(control, threads);
    const format = formatNamed(this.recorded.facts.geometry);
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
    const { threads, readers, seed } = this.options;
    for (let index = 0; index <= threads + readers; index++) {
      const reader = index - threads;
      const role = reader < 0 ? 'mutator' : reader < readers ? 'reader' : 'collapser';
      this.crew.start<SpaceWorkerData>({
        heap: this.heapBuffer,
        heapWords: (this.heap.mem as SharedMemory).words.length,
        control: this.crew.controlBuffer,
        board: this.boardBuffer,
        format: this.recorded.facts.geometry,
        role,
        index,
        mutators: threads,
        // Every other reader counts on quiescent states, so that both flavours are at work.
        flavour: role === 'reader' && reader % 2 === 1 ? 'qsbr' : 'epoch',
        seed: seed * 1000 + index,
      });
    }
  }

  private findings(
    ends: Awaited<ReturnType<Crew['finish']>>,
    workload: Workload,
  ): ReplayFindings & ThroughFindings {
    const { control } = this.crew;
    const failures = failuresOf(ends, this.heap);
    const drained: Drained =
      failures.length > 0 ? { callbacks: 0, violations: [] } : drainHeap(this.heap);
    const samples = ends.flatMap(({ pages }) => pages ?? []);
    const fresh = this.heap.mem.peek(headerWord(HEAP.BLOCKS_TAKEN));
    const sum = (field: number): number => total(control, field);
    return {
      facts: this.recorded.facts,
      geometry: this.recorded.facts.geometry,
      pages: {
        peak: Math.max(0, ...samples.map((sample) => sample.peak)),
        mean: meanOf(samples),
        atEnd: pagesInUse(this.heap),
      },
      tables: { peak: largest(control, COUNT.LIVE_PEAK) },
      fresh,
      reused: sum(COUNT.ALLOCS) - fresh,
      gracePeriods: this.heap.mem.load(GP_COMPLETED) - 1,
      callbacks: sum(COUNT.CALLBACKS) + drained.callbacks,
      reads: sum(COUNT.READS),
      violations: [...failures, ...drained.violations],
      through: 'pgtable',
      faults: sum(COUNT.FAULTS),
      unmapped: sum(COUNT.UNMAPPED),
      forks: sum(COUNT.FORKS),
      collapses: sum(COUNT.COLLAPSES),
      splits: sum(COUNT.SPLITS),
      walks: { found: sum(COUNT.FOUND), nothing: sum(COUNT.NOTHING) },
      given: compareGiven(this.recorded, this.board, workload),
    };
  }

  close(): Promise<void> {
    return this.crew.close();
  }
}
