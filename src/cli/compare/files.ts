/** The files that a comparison can leave behind beside what it prints. */
import type { CompareDocument } from '../../lab/compare/compare.js';
import type { TraceHistory } from '../../lab/compare/history.js';
import { htmlReport, type Origin } from '../../report/compare/html/report.js';
import { perfettoTrace } from '../../report/compare/perfetto.js';
import { type OpenOutput, writeOutput } from '../shell/output-stream.js';
import { pageScripts } from './page-scripts.js';

export interface ReportRequest {
  readonly outputs: readonly OpenOutput[];
  readonly origin: Origin;
}

export async function writeReports(
  { outputs, origin }: ReportRequest,
  document: CompareDocument,
  histories: readonly TraceHistory[],
  signal: AbortSignal,
): Promise<void> {
  for (const output of outputs) {
    const isHtml = output.option === '--html';
    const chunks = isHtml
      ? [htmlReport(document, histories, origin, pageScripts())]
      : perfettoTrace(histories);
    await writeOutput(output, chunks, signal);
  }
}
