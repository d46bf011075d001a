/** The files that a comparison can leave behind beside what it prints. */
import type { CompareDocument } from '../../lab/compare/compare.js';
import type { TraceHistory } from '../../lab/compare/history.js';
import { htmlReport, type Origin } from '../../report/compare/html/report.js';
import { perfettoTrace } from '../../report/compare/perfetto.js';
import { type Output, writeOutput } from '../shell/output-file.js';
import { pageScripts } from './page-scripts.js';

export interface ReportRequest {
  /** Names of files. Null: not asked for. */
  readonly html: string | null;
  readonly perfetto: string | null;
  readonly origin: Origin;
}

export function outputsOf({ html, perfetto }: ReportRequest): Output[] {
  return [
    ...(html === null ? [] : [{ option: '--html', file: html }]),
    ...(perfetto === null ? [] : [{ option: '--perfetto', file: perfetto }]),
  ];
}

export async function writeReports(
  request: ReportRequest,
  document: CompareDocument,
  histories: readonly TraceHistory[],
  signal: AbortSignal,
): Promise<void> {
  const { origin } = request;
  for (const output of outputsOf(request)) {
    const isHtml = output.option === '--html';
    const chunks = isHtml
      ? [htmlReport(document, histories, origin, pageScripts())]
      : perfettoTrace(histories);
    await writeOutput(output, chunks, signal);
  }
}
