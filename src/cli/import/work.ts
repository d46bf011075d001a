/** The job of `ptfrag import`: a recorder's text turned into a trace. */
import type { ImportDocument, ImportOptions } from '../../lab/import/document.js';
import { importTrace } from '../../lab/import/importer.js';
import { countOf } from '../../report/text.js';
import type { JobPort } from '../shell/job.js';

export type ImportRequest = Omit<ImportOptions, 'signal' | 'onProgress'>;

export function work(request: ImportRequest, port: JobPort<never>): Promise<ImportDocument> {
  return importTrace({
    ...request,
    signal: port.signal,
    onProgress: ({ bytesRead, bytesTotal, lines, records }) => {
      const what = `${countOf(lines, 'line')}, ${countOf(records, 'record')}`;
      port.onProgress(what, bytesRead / bytesTotal, { records });
    },
  });
}
