/**
 * The threads of a replay, from the dispatcher's side: starting them, feeding them, stopping them,
 * what they say at their ends, and the end of the heap that they worked on.
 */
import { Worker } from 'node:worker_threads';
import { AttachedThread } from '../../api/thread.js';
import { OutOfPagesError } from '../../core/base/errors.js';
import { CALLBACKS } from '../../core/frag/callback.js';
import type { Violation } from '../../core/frag/check.js';
import type { Heap } from '../../core/mem/heap.js';
import type { Memory } from '../../core/mem/memory.js';
import type { HeapBuffer } from '../../core/mem/shared.js';
import { attachThread } from '../../core/rcu/attach.js';
import { pollAll } from '../../core/rcu/callback.js';
import { CONTROL, COUNT, controlWord, openControl, reserveControl, total } from './control.js';
import type { PageSamples } from './performer.js';
import { AnotherFailed } from './ring.js';

/** How long no thread may get on with its tasks: by then one waits for what will never be. */
const STALL_MS = 10_000;
const LOOK_MS = 500;

/** How long threads may take to see that another has failed. */
const LEAVE_MS = 2000;

/** Rounds of callbacks that can follow the last free: C, then N. */
const DRAIN_ROUNDS = 3;

interface Failure {
  readonly name: string;
  readonly rule: string | null;
  readonly message: string;
}

/** What a thread says at its end. */
export interface ThreadEnd {
  readonly failure: Failure | null;
  readonly pages: PageSamples | null;
}

export class Crew {
  readonly controlBuffer: HeapBuffer = reserveControl();
  readonly control: Memory;
  private readonly entry: URL;
  private readonly workers: Worker[] = [];
  private readonly ends: Promise<ThreadEnd>[] = [];

  /** `entry`: the module that each thread runs. */
  constructor(entry: URL) {
    this.entry = entry;
    this.control = openControl(this.controlBuffer);
  }

  start<Data extends { readonly role: string }>(workerData: Data): void {
    const worker = new Worker(this.entry, { workerData });
    this.workers.push(worker);
    const end = new Promise<ThreadEnd>((resolve) => {
      let said: ThreadEnd | undefined;
      worker.on('message', (message: ThreadEnd) => {
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
  feed(dispatch: () => void): void {
    try {
      dispatch();
    } catch (error) {
      if (!(error instanceof AnotherFailed)) throw error;
    }
  }

  /** Waits for the first `count` threads, which end by themselves; then stops the others. */
  async finish(count: number): Promise<ThreadEnd[]> {
    const isOver = await this.watch(Promise.all(this.ends.slice(0, count)));
    this.stop();
    if (isOver) return Promise.all(this.ends);
    fail(this.control);
    // Those that can leave do, and what they say comes first.
    const said = this.ends.map((end) => Promise.race([end, after(LEAVE_MS, null)]));
    const ends = (await Promise.all(said)).filter((end) => end !== null);
    const message = `no thread got on for ${STALL_MS / 1000} s`;
    return [...ends, { failure: { name: 'Stalled', rule: null, message }, pages: null }];
  }

  /** Whether it comes to an end; false when no thread has got on for too long. */
  private async watch(end: Promise<unknown>): Promise<boolean> {
    let [done, sinceMs] = [-1, 0];
    while (!(await Promise.race([end.then(() => true), after(LOOK_MS, false)]))) {
      const now = total(this.control, COUNT.OPERATIONS);
      if (now !== done) [done, sinceMs] = [now, performance.now()];
      else if (performance.now() - sinceMs > STALL_MS) return false;
    }
    return true;
  }

  private stop(): void {
    this.control.store(controlWord(CONTROL.STOP), 1);
    this.control.notify(controlWord(CONTROL.STOP));
  }

  async close(): Promise<void> {
    this.stop();
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }
}

/** Tells all threads that one has failed. */
function fail(control: Memory): void {
  control.store(controlWord(CONTROL.FAILED), 1);
  control.notify(controlWord(CONTROL.FAILED));
}

function after<Value>(ms: number, value: Value): Promise<Value> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(value), ms).unref();
  });
}

/** What a thread posts when it has thrown; the others are told to stop. */
export function endOfFailed(control: Memory, error: unknown): ThreadEnd {
  fail(control);
  if (error instanceof AnotherFailed) return { failure: null, pages: null };
  const { name, message } = error as Error;
  const rule = 'rule' in (error as object) ? String((error as { rule: unknown }).rule) : null;
  return { failure: { name, rule, message }, pages: null };
}

/** What the threads say went wrong. Throws `OutOfPagesError` if that is what stopped them. */
export function failuresOf(ends: readonly ThreadEnd[], heap: Heap): Violation[] {
  return ends.flatMap(({ failure }) => {
    if (failure === null) return [];
    const { name, rule, message } = failure;
    if (name === 'OutOfPagesError') throw new OutOfPagesError('the replay', heap.pagesMax);
    return [{ rule: rule ?? name, detail: message }];
  });
}

/** What `drainHeap` did and found. */
export interface Drained {
  readonly callbacks: number;
  readonly violations: readonly Violation[];
}

/** Runs what is pending, checks the whole heap, and wants every page back. */
export function drainHeap(heap: Heap): Drained {
  const core = attachThread(heap, 'epoch');
  let callbacks = 0;
  for (let round = 0; round < DRAIN_ROUNDS; round++) {
    callbacks += pollAll(core, CALLBACKS, Number.MAX_SAFE_INTEGER);
  }
  const thread = new AttachedThread(core);
  thread.barrier();
  const violations = thread.check({ drained: true });
  const { free, limit } = thread.pages();
  if (free !== limit) {
    violations.push({ rule: 'P9', detail: `${limit - free} pages did not come back` });
  }
  thread.detach();
  return { callbacks, violations };
}

/** The mean of all samples. */
export function meanOf(samples: readonly PageSamples[]): number {
  const sum = samples.reduce((all, sample) => all + sample.sum, 0);
  const count = samples.reduce((all, sample) => all + sample.count, 0);
  return count === 0 ? 0 : sum / count;
}
