/** The thread that does a command's work: runs one job, says how far it is, posts what came out. */
import { parentPort, workerData } from 'node:worker_threads';
import { JOBS } from '../jobs.js';
import { failureOf } from './failure.js';
import type { JobMessage, JobOrder, JobPort } from './job.js';

if (parentPort === null) throw new Error('job-worker.js is started by the command, as a thread');
const port = parentPort;
const controller = new AbortController();

/** Progress that comes faster than this is not worth a message. */
const PROGRESS_MS = 40;

let progressMs = 0;

function post(message: JobMessage): void {
  port.postMessage(message);
}

const jobPort: JobPort<unknown> = {
  signal: controller.signal,
  onPart: (document) => post({ type: 'part', document }),
  onProgress: (what, fraction, counts = {}) => {
    const now = performance.now();
    if (now - progressMs < PROGRESS_MS) return;
    progressMs = now;
    post({ type: 'progress', progress: { what, fraction, counts } });
  },
};

async function run({ name, request }: JobOrder): Promise<unknown> {
  const load = JOBS[name];
  if (load === undefined) throw new Error(`there is no job "${name}" in the list of jobs`);
  const { work } = await load();
  // `runJob` has taken care that the request is the one that this work is about.
  return work(request as never, jobPort);
}

port.on('message', () => controller.abort(new Error('stopped')));
run(workerData as JobOrder)
  .then(
    (document) => post({ type: 'done', document }),
    (error: unknown) => post({ type: 'failed', failure: failureOf(error) }),
  )
  .finally(() => port.close());
