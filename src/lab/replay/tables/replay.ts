/**
 * The replay on real threads: a dispatcher (this thread) reads the trace and hands operations to
 * mutators; readers walk live tables. At the end all is freed, callbacks drain, the whole heap is
 * checked, and every page must be back.
 */
import { createHeap } from '../../../api/heap.js';
import type { Violation } from '../../../core/frag/check.js';
import { type Heap, headerWord, openHeap } from '../../../core/mem/heap.js';
import { HEAP } from '../../../core/mem/layout.js';
import { SharedMemory, viewWords } from '../../../core/mem/shared.js';
import { GP_COMPLETED } from '../../../core/rcu/grace-period.js';
import { CONTROL, COUNT, controlWord, total } from '../../crew/control.js';
import { Crew, type Drained, drainHeap, failuresOf, meanOf } from '../../crew/crew.js';
import { pagesInUse } from '../../crew/performer.js';
import type { TraceHeader } from '../../trace/form.js';
import { readTrace } from '../../trace/reader.js';
import { geometryFor, type ReplayFindings, type ReplayOptions } from '../options.js';
import { Dispatcher } from './dispatch.js';
import type { ReplayWorkerData } from './worker.js';

/** Reserved where the user names no number of pages; the OS commits what is touched. */
export const RESERVE_BYTES: number = 2 ** 29;
export const MMS_MAX: number = 2 ** 14;

export async function replayOnThreads(options: ReplayOptions): Promise<ReplayFindings> {
  const run = new ThreadedReplay(options);
  try {
    return await run.run();
  } finally {
    await run.close();
  }
}

class ThreadedReplay {
  private readonly options: ReplayOptions;
  private readonly crew: Crew = new Crew(new URL('./worker.js', import.meta.url));
  private heap!: Heap;
  private dispatcher!: Dispatcher;
  private geometry = '';

  constructor(options: ReplayOptions) {
    this.options = options;
  }

  async run(): Promise<ReplayFindings> {
    const { file, signal, onProgress, threads } = this.options;
    const { crew } = this;
    const { control } = crew;
    const facts = await readTrace(file, (event) => crew.feed(() => this.dispatcher.event(event)), {
      signal,
      onHeader: (header) => this.begin(header),
      onProgress: (bytesRead, bytesTotal) => {
        const { records } = this.dispatcher;
        onProgress?.({ bytesRead, bytesTotal, records, reads: total(control, COUNT.READS) });
      },
    });
    crew.feed(() => this.dispatcher.finish());
    const ends = await crew.finish(threads);
    const failures = failuresOf(ends, this.heap);
    const drained: Drained =
      failures.length > 0 ? { callbacks: 0, violations: [] } : drainHeap(this.heap);
    const samples = ends.flatMap(({ pages }) => pages ?? []);
    const fresh = this.heap.mem.peek(headerWord(HEAP.BLOCKS_TAKEN));
    return {
      facts,
      geometry: this.geometry,
      pages: {
        peak: Math.max(0, ...samples.map((sample) => sample.peak)),
        mean: meanOf(samples),
        atEnd: pagesInUse(this.heap),
      },
      tables: { peak: this.dispatcher.tables.finish(facts.firstUs, facts.lastUs).peak },
      fresh,
      reused: facts.allocs[0] + facts.allocs[1] - fresh,
      gracePeriods: this.heap.mem.load(GP_COMPLETED) - 1,
      callbacks: total(control, COUNT.CALLBACKS) + drained.callbacks,
      reads: total(control, COUNT.READS),
      violations: [...this.readersFound(), ...failures, ...drained.violations],
    };
  }

  /** Makes the heap and starts the threads, once the trace's header is known. */
  private begin(header: TraceHeader): void {
    const { threads, readers, sharing, seed } = this.options;
    const geometry = geometryFor(header, this.options.geometry);
    this.geometry = geometry.name;
    const handle = createHeap({
      geometry,
      pages: this.options.pages ?? RESERVE_BYTES / geometry.pageBytes,
      threadsMax: threads + readers + 1,
      mmsMax: MMS_MAX,
      sharing,
      debug: true,
    });
    const words = handle.bytes / 4;
    this.heap = openHeap(new SharedMemory(viewWords(handle.buffer, 0, words), true));
    this.dispatcher = new Dispatcher(this.crew.control, threads, header);
    for (let index = 0; index < threads + readers; index++) {
      const reader = index - threads;
      this.crew.start<ReplayWorkerData>({
        heap: handle.buffer,
        heapWords: words,
        control: this.crew.controlBuffer,
        role: reader < 0 ? 'mutator' : 'reader',
        index,
        // Every other reader counts on quiescent states, so that both flavours are at work.
        flavour: reader >= 0 && reader % 2 === 1 ? 'qsbr' : 'epoch',
        seed: seed * 1000 + index,
      });
    }
  }

  private readersFound(): Violation[] {
    const get = (field: number): number => this.crew.control.load(controlWord(field));
    const count = get(CONTROL.VIOLATIONS);
    if (count === 0) return [];
    const when = get(CONTROL.FIRST_AFTER_DWELL) === 1 ? 'after it dwelt' : 'on entering';
    const value = (get(CONTROL.FIRST_VALUE) >>> 0).toString(16);
    const what = `word ${get(CONTROL.FIRST_OFFSET)} of table ${get(CONTROL.FIRST_TABLE)}`;
    const detail = `a reader found 0x${value} in ${what} ${when}, ${count} such reads in all`;
    return [{ rule: 'P1', detail }];
  }

  close(): Promise<void> {
    return this.crew.close();
  }
}
