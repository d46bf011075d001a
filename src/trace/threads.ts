/**
 * The replay on real threads: a dispatcher (this thread) reads the trace and hands operations to
 * mutators; readers walk live tables. At the end all is freed, callbacks drain, the whole heap is
 * checked, and every page must be back.
 */
import { Worker } from 'node:worker_threads';
import { createHeap } from '../api/heap.js';
import { Thread } from '../api/thread.js';
import { OutOfPagesError } from '../base/errors.js';
import { CALLBACKS } from '../frag/callback.js';
import type { Violation } from '../frag/check.js';
import { type Heap, headerWord, openHeap } from '../mem/heap.js';
import { HEAP } from '../mem/layout.js';
import type { Memory } from '../mem/memory.js';
import { type HeapBuffer, SharedMemory, viewWords } from '../mem/shared.js';
import { attachThread } from '../rcu/attach.js';
import { pollAll } from '../rcu/callback.js';
import { GP_COMPLETED } from '../rcu/grace-period.js';
import { CONTROL, COUNT, controlWord, openControl, reserveControl, total } from './control.js';
import { Dispatcher } from './dispatch.js';
import type { TraceHeader } from './event.js';
import { type PageSamples, pagesInUse } from './mutator.js';
import { readTrace } from './reader.js';
import { geometryFor, type ReplayFindings, type ReplayOptions } from './replay-options.js';
import type { ReplayEnd, ReplayFailure, ReplayWorkerData } from './replay-worker.js';
import { AnotherFailed } from './ring.js';

/** Reserved where the user names no number of pages; the OS commits what is touched. */
const RESERVE_BYTES = 2 ** 29;
const MMS_MAX = 2 ** 14;

/** Rounds of callbacks that can follow the last free: C, then N. */
const DRAIN_ROUNDS = 3;

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
  private readonly controlBuffer: HeapBuffer = reserveControl();
  private readonly control: Memory;
  private readonly workers: Worker[] = [];
  private readonly ends: Promise<ReplayEnd>[] = [];
  private heap!: Heap;
  private dispatcher!: Dispatcher;
  private geometry = '';
  /** Callbacks that the dispatcher ran at the end. */
  private drained = 0;

  constructor(options: ReplayOptions) {
    this.options = options;
    this.control = openControl(this.controlBuffer);
  }

  async run(): Promise<ReplayFindings> {
    const { file, signal, onProgress, threads } = this.options;
    const facts = await readTrace(file, (event) => this.feed(() => this.dispatcher.event(event)), {
      signal,
      onHeader: (header) => this.begin(header),
      onProgress: (bytesRead, bytesTotal) => {
        const { records } = this.dispatcher;
        onProgress?.({ bytesRead, bytesTotal, records, reads: total(this.control, COUNT.READS) });
      },
    });
    this.feed(() => this.dispatcher.finish());
    await Promise.all(this.ends.slice(0, threads));
    this.stop();
    const ends = await Promise.all(this.ends);
    const violations = this.judge(ends.flatMap(({ failure }) => failure ?? []));
    const samples = ends.flatMap(({ pages }) => pages ?? []);
    const { dispatcher, control } = this;
    const fresh = this.heap.mem.peek(headerWord(HEAP.BLOCKS_TAKEN));
    return {
      facts,
      geometry: this.geometry,
      pages: {
        peak: Math.max(0, ...samples.map((sample) => sample.peak)),
        mean: meanOf(samples),
        atEnd: pagesInUse(this.heap),
      },
      tables: { peak: dispatcher.tables.finish(facts.firstUs, facts.lastUs).peak },
      fresh,
      reused: facts.allocs[0] + facts.allocs[1] - fresh,
      gracePeriods: this.heap.mem.load(GP_COMPLETED) - 1,
      callbacks: total(control, COUNT.CALLBACKS) + this.drained,
      reads: total(control, COUNT.READS),
      violations,
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
    this.dispatcher = new Dispatcher(this.control, threads, header);
    for (let index = 0; index < threads + readers; index++) {
      const reader = index - threads;
      this.start({
        heap: handle.buffer,
        heapWords: words,
        control: this.controlBuffer,
        role: reader < 0 ? 'mutator' : 'reader',
        index,
        // Every other reader counts on quiescent states, so that both flavours are at work.
        flavour: reader >= 0 && reader % 2 === 1 ? 'qsbr' : 'epoch',
        seed: seed * 1000 + index,
      });
    }
  }

  private start(workerData: ReplayWorkerData): void {
    const worker = new Worker(new URL('./replay-worker.js', import.meta.url), { workerData });
    this.workers.push(worker);
    const end = new Promise<ReplayEnd>((resolve) => {
      let said: ReplayEnd | undefined;
      worker.on('message', (message: ReplayEnd) => {
        said = message;
      });
      worker.on('error', ({ name, message }: Error) => {
        said = { failure: { name, rule: null, message }, pages: null };
      });
      worker.on('exit', (code) => {
        if (said === undefined) this.control.store(controlWord(CONTROL.FAILED), 1);
        const message = `a ${workerData.role} ended early, exit code ${code}`;
        resolve(said ?? { failure: { name: 'Error', rule: null, message }, pages: null });
      });
    });
    this.ends.push(end);
  }

  /** Does a piece of dispatching; a thread that failed has its own report. */
  private feed(dispatch: () => void): void {
    try {
      dispatch();
    } catch (error) {
      if (!(error instanceof AnotherFailed)) throw error;
    }
  }

  private stop(): void {
    this.control.store(controlWord(CONTROL.STOP), 1);
    this.control.notify(controlWord(CONTROL.STOP));
  }

  /** Everything that went wrong; if nothing did, drains and checks the heap. */
  private judge(failures: readonly ReplayFailure[]): Violation[] {
    const violations: Violation[] = this.readersFound();
    for (const { name, rule, message } of failures) {
      if (name === 'OutOfPagesError') throw new OutOfPagesError('the replay', this.heap.pagesMax);
      violations.push({ rule: rule ?? name, detail: message });
    }
    if (failures.length > 0) return violations;
    const core = attachThread(this.heap, 'epoch');
    for (let round = 0; round < DRAIN_ROUNDS; round++) {
      this.drained += pollAll(core, CALLBACKS, Number.MAX_SAFE_INTEGER);
    }
    const thread = new Thread(core);
    thread.barrier();
    violations.push(...thread.check({ drained: true }));
    const { free, limit } = thread.pages();
    if (free !== limit) {
      violations.push({ rule: 'P9', detail: `${limit - free} pages did not come back` });
    }
    thread.detach();
    return violations;
  }

  private readersFound(): Violation[] {
    const get = (field: number): number => this.control.load(controlWord(field));
    const count = get(CONTROL.VIOLATIONS);
    if (count === 0) return [];
    const when = get(CONTROL.FIRST_AFTER_DWELL) === 1 ? 'after it dwelt' : 'on entering';
    const value = (get(CONTROL.FIRST_VALUE) >>> 0).toString(16);
    const what = `word ${get(CONTROL.FIRST_OFFSET)} of table ${get(CONTROL.FIRST_TABLE)}`;
    const detail = `a reader found 0x${value} in ${what} ${when}, ${count} such reads in all`;
    return [{ rule: 'P1', detail }];
  }

  async close(): Promise<void> {
    this.stop();
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }
}

function meanOf(samples: readonly PageSamples[]): number {
  const sum = samples.reduce((all, sample) => all + sample.sum, 0);
  const count = samples.reduce((all, sample) => all + sample.count, 0);
  return count === 0 ? 0 : sum / count;
}
