/** The thread that does a command's work: runs one job, says how far it is, posts what came out. */
import { parentPort, workerData } from 'node:worker_threads';
import { mergeFiles } from '../../checker/check/merge.js';
import { runCheck } from '../../checker/check/run.js';
import { compareTraces } from '../../lab/compare/compare.js';
import type { TraceHistory } from '../../lab/compare/history.js';
import { importTrace } from '../../lab/import/importer.js';
import { askOracle } from '../../lab/oracle/ask.js';
import { replayTrace } from '../../lab/replay/replay.js';
import type { TraceProgress } from '../../lab/trace/progress.js';
import { countOf } from '../../report/text.js';
import { outputsOf, writeReports } from '../compare/files.js';
import { examine } from '../doctor/doctor.js';
import { makeImage } from '../image/work.js';
import { failureOf } from './failure.js';
import type {
  CompareRequest,
  ImportRequest,
  JobMessage,
  JobName,
  JobOrder,
  Jobs,
  OracleRequest,
  Progress,
  ReplayRequest,
} from './job.js';
import { checkOutputs } from './output-file.js';
import type { NamedTrace } from './traces.js';

if (parentPort === null) throw new Error('job-worker.js is started by the command, as a thread');
const port = parentPort;
const controller = new AbortController();

/** Progress that comes faster than this is not worth a message. */
const PROGRESS_MS = 40;

let progressMs = 0;

function post(message: JobMessage): void {
  port.postMessage(message);
}

function progress(what: string, fraction: number, counts: Progress['counts'] = {}): void {
  const now = performance.now();
  if (now - progressMs < PROGRESS_MS) return;
  progressMs = now;
  post({ type: 'progress', progress: { what, fraction, counts } });
}

/** What jobs that go through recordings one by one are watched with. */
function byTrace(traces: readonly NamedTrace[]): ByTrace {
  const names = new Map(traces.map(({ file, name }) => [file, name]));
  return {
    nameOf: (file) => names.get(file) ?? file,
    signal: controller.signal,
    onProgress: ({ trace, index, traces: count, fraction }) =>
      progress(count === 1 ? trace : `${index + 1} of ${count}  ${trace}`, fraction),
    onTrace: (document) => post({ type: 'soFar', document }),
  };
}

interface ByTrace {
  readonly nameOf: (file: string) => string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: TraceProgress) => void;
  readonly onTrace: (document: unknown) => void;
}

async function compare({ traces, reports, ...asked }: CompareRequest): Promise<unknown> {
  const files = traces.map(({ file }) => file);
  const wanted = outputsOf(reports);
  checkOutputs(wanted, files);
  const histories: TraceHistory[] = [];
  const onHistory = (history: TraceHistory): void => void histories.push(history);
  const document = await compareTraces(files, {
    ...asked,
    ...byTrace(traces),
    onHistory: wanted.length > 0 ? onHistory : undefined,
  });
  await writeReports(reports, document, histories, controller.signal);
  return document;
}

function oracle({ traces, design }: OracleRequest): Promise<unknown> {
  const files = traces.map(({ file }) => file);
  return askOracle(files, { design, ...byTrace(traces) });
}

function replay(request: ReplayRequest): Promise<unknown> {
  return replayTrace({
    ...request,
    signal: controller.signal,
    onProgress: ({ bytesRead, bytesTotal, records, reads }) => {
      const what = `${countOf(records, 'record')}, ${countOf(reads, 'read')}`;
      progress(what, bytesRead / bytesTotal, { records, reads });
    },
  });
}

function importFile(request: ImportRequest): Promise<unknown> {
  return importTrace({
    ...request,
    signal: controller.signal,
    onProgress: ({ bytesRead, bytesTotal, lines, records }) => {
      const what = `${countOf(lines, 'line')}, ${countOf(records, 'record')}`;
      progress(what, bytesRead / bytesTotal, { records });
    },
  });
}

const RUN: { readonly [N in JobName]: (request: Jobs[N]['request']) => Promise<unknown> } = {
  compare,
  replay,
  oracle,
  import: importFile,
  image: (request) => makeImage(request, { signal: controller.signal, onProgress: progress }),
  doctor: async () => examine(),
  merge: async (files) => mergeFiles(files),
  check: (request) =>
    runCheck(request, {
      signal: controller.signal,
      onSoFar: (document) => post({ type: 'soFar', document }),
      onProgress: progress,
    }),
};

function run({ name, request }: JobOrder): Promise<unknown> {
  // The order's name and request belong together: `runJob` takes them as a pair.
  return (RUN[name] as (request: unknown) => Promise<unknown>)(request);
}

port.on('message', () => controller.abort(new Error('stopped')));
run(workerData as JobOrder)
  .then(
    (document) => post({ type: 'done', document }),
    (error: unknown) => post({ type: 'failed', failure: failureOf(error) }),
  )
  .finally(() => port.close());
