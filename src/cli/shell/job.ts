/**
 * Work in a thread of its own. The main thread stays free, so that a signal is always seen.
 *
 * Between the two go plain data only. Down: the request, then perhaps one `stop`. Up: progress,
 * parts of the document, and at last the whole document or what went wrong. A worker that doesn't
 * stop when asked is terminated: what it has not posted is lost.
 */
import { Worker } from 'node:worker_threads';
import {
  CommandError,
  type CommandFailure,
  failureOf,
  interruption,
  type StopSignal,
} from './failure.js';

/** What a command's `work.ts` exports: makes a document of a request. */
export type Work = (request: never, port: JobPort<unknown>) => Promise<unknown>;

type RequestOf<W extends Work> = Parameters<W>[0];
type DocumentOf<W extends Work> = Awaited<ReturnType<W>>;

/** The worker's side: what work looks at, and where it says what it has. */
export interface JobPort<Document> {
  readonly signal: AbortSignal;
  /** Posts the document of one recording or one row alone, as soon as it is there. */
  readonly onPart: (part: Document) => void;
  readonly onProgress: (
    what: string,
    fraction: number,
    counts?: Readonly<Record<string, number>>,
  ) => void;
}

export interface Progress {
  /** What is being done, for example `2 of 5  s390x/mix.canon`. */
  readonly what: string;
  /** 0 to 1. */
  readonly fraction: number;
  /** What was done, for the document of an interrupted command. */
  readonly counts: Readonly<Record<string, number>>;
}

/** What the worker is started with. */
export interface JobOrder {
  /** In the list of jobs. */
  readonly name: string;
  readonly request: unknown;
}

export type JobMessage =
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'part' | 'done'; readonly document: unknown }
  | { readonly type: 'failed'; readonly failure: CommandFailure };

/** The one message that goes down. */
const STOP = 'stop';

/** The main thread's side. */
export interface JobWatch<Document> {
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  readonly onPart?: (part: Document) => void;
}

/** How long a job may take to stop by itself. */
const GRACE_MS = 2000;

/**
 * Runs a job of the list to its end; `W` is the type of its `work`. Throws `CommandError`; when the
 * signal is aborted, an interruption.
 */
export async function runJob<W extends Work>(
  name: string,
  request: RequestOf<W>,
  watch: JobWatch<DocumentOf<W>>,
): Promise<DocumentOf<W>> {
  if (watch.signal.aborted) throw interrupted(watch.signal);
  const order: JobOrder = { name, request };
  const worker = new Worker(new URL('./job-worker.js', import.meta.url), { workerData: order });
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    worker.postMessage(STOP);
    timer = setTimeout(() => void worker.terminate(), GRACE_MS);
  };
  watch.signal.addEventListener('abort', stop, { once: true });
  try {
    return await outcome<W>(worker, watch);
  } catch (error) {
    throw watch.signal.aborted ? interrupted(watch.signal) : error;
  } finally {
    watch.signal.removeEventListener('abort', stop);
    clearTimeout(timer);
    await worker.terminate();
  }
}

function outcome<W extends Work>(
  worker: Worker,
  watch: JobWatch<DocumentOf<W>>,
): Promise<DocumentOf<W>> {
  return new Promise((resolve, reject) => {
    const take = (message: JobMessage): void => {
      switch (message.type) {
        case 'progress':
          watch.onProgress?.(message.progress);
          break;
        case 'part':
          watch.onPart?.(message.document as DocumentOf<W>);
          break;
        case 'done':
          resolve(message.document as DocumentOf<W>);
          break;
        case 'failed':
          reject(new CommandError(message.failure));
          break;
      }
    };
    worker.on('message', (message: JobMessage) => {
      try {
        take(message);
      } catch (error) {
        reject(error as Error);
      }
    });
    worker.on('error', (error) => reject(new CommandError(failureOf(error))));
    worker.on('exit', (code) => {
      const message = `the thread that did the work ended without a result (exit code ${code})`;
      reject(new CommandError(failureOf(new Error(message))));
    });
  });
}

function interrupted(signal: AbortSignal): CommandError {
  return new CommandError(interruption(signal.reason as StopSignal));
}
