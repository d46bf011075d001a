/** The job of `ptfrag compare`: the comparison, and the files that it was asked to leave behind. */
import {
  type CompareDocument,
  type CompareOptions,
  compareTraces,
} from '../../lab/compare/compare.js';
import type { TraceHistory } from '../../lab/compare/history.js';
import { byTrace } from '../shell/by-trace.js';
import type { JobPort } from '../shell/job.js';
import type { NamedTrace } from '../shell/traces.js';
import { type ReportRequest, writeReports } from './files.js';

type Watch = 'nameOf' | 'signal' | 'onProgress' | 'onHistory' | 'onTrace';

export interface CompareRequest extends Omit<CompareOptions, Watch> {
  readonly traces: readonly NamedTrace[];
  /** Null: none. */
  readonly reports: ReportRequest | null;
}

/** Posts the document of each recording alone. */
export async function work(
  { traces, reports, ...asked }: CompareRequest,
  port: JobPort<CompareDocument>,
): Promise<CompareDocument> {
  const files = traces.map(({ file }) => file);
  const histories: TraceHistory[] = [];
  const onHistory = (history: TraceHistory): void => void histories.push(history);
  const document = await compareTraces(files, {
    ...asked,
    ...byTrace(traces, port),
    onTrace: port.onPart,
    onHistory: (reports?.outputs ?? []).length > 0 ? onHistory : undefined,
  });
  if (reports !== null) await writeReports(reports, document, histories, port.signal);
  return document;
}
