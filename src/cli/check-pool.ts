/** Several threads that explore scenarios side by side. */
import { Worker } from 'node:worker_threads';
import type { CheckAnswer, CheckTask } from './check-worker.js';

const WORKER = new URL('./check-worker.js', import.meta.url);

/** A task, and the build to run it in: this one, or a copy with a mutant. */
export interface PoolTask {
  readonly task: CheckTask;
  readonly worker?: URL;
}

export interface PoolOptions {
  readonly jobs: number;
  readonly signal: AbortSignal;
  /** Answers come in whatever order they are ready. */
  readonly onAnswer: (index: number, answer: CheckAnswer) => void;
}

/** Runs all tasks, `jobs` at a time; each of another build gets a thread of its own. */
export async function runPool(tasks: readonly PoolTask[], options: PoolOptions): Promise<void> {
  const { signal, onAnswer } = options;
  let next = 0;
  const lane = async (): Promise<void> => {
    let own: Worker | null = null;
    try {
      while (next < tasks.length) {
        signal.throwIfAborted();
        const index = next++;
        const { task, worker } = tasks[index] as PoolTask;
        if (worker !== undefined) {
          onAnswer(index, await runAlone(worker, task, signal));
          continue;
        }
        own ??= new Worker(WORKER);
        onAnswer(index, await ask(own, task, signal));
      }
    } finally {
      await own?.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.jobs, tasks.length) }, lane));
}

async function runAlone(url: URL, task: CheckTask, signal: AbortSignal): Promise<CheckAnswer> {
  const worker = new Worker(url);
  try {
    return await ask(worker, task, signal);
  } finally {
    await worker.terminate();
  }
}

function ask(worker: Worker, task: CheckTask, signal: AbortSignal): Promise<CheckAnswer> {
  return new Promise((resolve, reject) => {
    const settled = new AbortController();
    const finish = (settle: () => void): void => {
      settled.abort();
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      settle();
    };
    const onMessage = (answer: CheckAnswer): void => finish(() => resolve(answer));
    const onError = (error: Error): void => finish(() => reject(error));
    const message = `a thread ended while it explored ${task.scenario}`;
    const onExit = (): void => finish(() => reject(new Error(message)));
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
    const stop = (): void => finish(() => reject(signal.reason as Error));
    signal.addEventListener('abort', stop, { signal: settled.signal });
    worker.postMessage(task);
  });
}
