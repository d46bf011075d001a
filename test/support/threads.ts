/** Real threads for tests: each runs one job of a file `jobs-*.mjs` on a heap. */
import { Worker } from 'node:worker_threads';
import type { Heap } from '#src/core/mem/heap.js';
import type { SharedMemory } from '#src/core/mem/shared.js';
import type { Flavour } from '#src/core/rcu/attach.js';

export interface Job {
  /** The exported function of `jobs-<file>.mjs` to run. */
  readonly job: string;
  readonly flavour?: Flavour;
  readonly [argument: string]: unknown;
}

/** What a job returned, or what it threw. */
export interface Outcome {
  readonly value?: unknown;
  readonly error?: { readonly name: string; readonly message: string; readonly rule?: string };
}

/** Words that the threads of one run share beside the heap; the first is the starting gate. */
const GATE_WORDS = 1;

export function sharedWords(count: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer((GATE_WORDS + count) * 4));
}

/**
 * Runs jobs, a thread each, which start together. `words` is theirs to talk through; `support` is
 * where their files are. Resolves when
 * all have ended; a thread that can't say how it ended rejects.
 */
export async function runJobs(
  file: string,
  heap: Heap,
  jobs: readonly Job[],
  words: Int32Array = sharedWords(0),
  support: URL = new URL('.', import.meta.url),
): Promise<Outcome[]> {
  const buffer = (heap.mem as SharedMemory).words.buffer;
  const url = new URL('worker.mjs', support);
  const workers = jobs.map(
    (job) => new Worker(url, { workerData: { file, job, buffer, words, threads: jobs.length } }),
  );
  try {
    return await Promise.all(workers.map(outcomeOf));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function outcomeOf(worker: Worker): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the thread ended with ${code}, silently`)));
  });
}

/** The values of jobs that all returned. */
export function valuesOf<Value>(outcomes: readonly Outcome[]): Value[] {
  for (const { error } of outcomes) {
    if (error !== undefined) throw new Error(`a thread threw ${error.name}: ${error.message}`);
  }
  return outcomes.map(({ value }) => value as Value);
}
