/**
 * Work in a thread of its own. The main thread stays free, so that a signal is always seen.
 *
 * Between the two go plain data only. Down: the job, then perhaps one `stop`. Up: progress, results
 * so far, and at last the document or what went wrong. A worker that doesn't stop when asked is
 * terminated: whatever it does then is lost, except for the results that it had reported.
 */
import { Worker } from 'node:worker_threads';
import type { CheckDocument } from '../../checker/check/document.js';
import type { CheckRequest } from '../../checker/check/run.js';
import type { CompareDocument } from '../../lab/compare/compare.js';
import type { ImportDocument, ImportOptions } from '../../lab/import/importer.js';
import type { OracleDocument } from '../../lab/oracle/ask.js';
import type { ReplayDocument, ReplayOptions } from '../../lab/replay/replay.js';
import type { ReportRequest } from '../compare/files.js';
import type { DoctorDocument } from '../doctor/doctor.js';
import type { ImageDocument, ImageRequest } from '../image/work.js';
import { CommandError, type Failure, failureOf, interruption } from './failure.js';
import type { NamedTrace } from './traces.js';

export interface CompareRequest {
  readonly traces: readonly NamedTrace[];
  /** Null: all that fit. */
  readonly designs: readonly string[] | null;
  readonly gpUs: number | null;
  readonly defer: number;
  readonly seed: number;
  readonly repeat: number;
  readonly reports: ReportRequest;
}

export interface OracleRequest {
  readonly traces: readonly NamedTrace[];
  /** Null: the rule of the kernel that was recorded. */
  readonly design: string | null;
}

export type ReplayRequest = Omit<ReplayOptions, 'signal' | 'onProgress'>;

export type ImportRequest = Omit<ImportOptions, 'signal' | 'onProgress'>;

/** The jobs that there are: what each is given and what it makes. */
export interface Jobs {
  readonly compare: { readonly request: CompareRequest; readonly document: CompareDocument };
  readonly replay: { readonly request: ReplayRequest; readonly document: ReplayDocument };
  readonly oracle: { readonly request: OracleRequest; readonly document: OracleDocument };
  readonly image: { readonly request: ImageRequest; readonly document: ImageDocument };
  readonly doctor: { readonly request: null; readonly document: DoctorDocument };
  readonly import: { readonly request: ImportRequest; readonly document: ImportDocument };
  readonly check: { readonly request: CheckRequest; readonly document: CheckDocument };
  readonly merge: { readonly request: readonly string[]; readonly document: CheckDocument };
}

export type JobName = keyof Jobs;

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
  readonly name: JobName;
  readonly request: Jobs[JobName]['request'];
}

export type JobMessage =
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'soFar' | 'done'; readonly document: unknown }
  | { readonly type: 'failed'; readonly failure: Failure };

/** The one message that goes down. */
const STOP = 'stop';

export interface JobWatch<N extends JobName> {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  /** A document that could be the last, should the job be interrupted now. */
  readonly onSoFar?: (document: Jobs[N]['document']) => void;
}

/** How long a job may take to stop by itself. */
const GRACE_MS = 2000;

/** Runs a job to its end. Throws `CommandError`; when the signal is aborted, an interruption. */
export async function runJob<N extends JobName>(
  name: N,
  request: Jobs[N]['request'],
  watch: JobWatch<N>,
): Promise<Jobs[N]['document']> {
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
    return await outcome(worker, watch);
  } catch (error) {
    throw watch.signal.aborted ? interrupted(watch.signal) : error;
  } finally {
    watch.signal.removeEventListener('abort', stop);
    clearTimeout(timer);
    await worker.terminate();
  }
}

function outcome<N extends JobName>(
  worker: Worker,
  watch: JobWatch<N>,
): Promise<Jobs[N]['document']> {
  return new Promise((resolve, reject) => {
    worker.on('message', (message: JobMessage) => {
      switch (message.type) {
        case 'progress':
          watch.onProgress(message.progress);
          break;
        case 'soFar':
          watch.onSoFar?.(message.document as Jobs[N]['document']);
          break;
        case 'done':
          resolve(message.document as Jobs[N]['document']);
          break;
        case 'failed':
          reject(new CommandError(message.failure));
          break;
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
  return new CommandError(interruption(String(signal.reason)));
}
