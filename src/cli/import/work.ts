/** The job of `ptfrag import`: a recorder's text turned into a trace. */
import type { Readable } from 'node:stream';
import type { ImportDocument, ImportOptions } from '../../lab/import/document.js';
import { importTrace } from '../../lab/import/importer.js';
import { countOf } from '../../report/text.js';
import type { JobPort } from '../shell/job.js';
import { type OpenOutput, readStream, writeStream } from '../shell/output-stream.js';

export interface ImportRequest extends Omit<ImportOptions, 'signal' | 'onProgress' | 'output'> {
  readonly output: OpenOutput;
  readonly scratch: number;
}

export function work(
  { output, scratch, ...request }: ImportRequest,
  port: JobPort<never>,
): Promise<ImportDocument> {
  const { file } = output;
  const body = {
    sink: writeStream({ ...output, fd: scratch }),
    source: (): Readable => readStream(scratch),
  };
  return importTrace({
    ...request,
    output: { file, whole: writeStream(output), body },
    signal: port.signal,
    onProgress: ({ bytesRead, bytesTotal, lines, records }) => {
      const what = `${countOf(lines, 'line')}, ${countOf(records, 'record')}`;
      port.onProgress(what, bytesTotal > 0 ? bytesRead / bytesTotal : 0, { records });
    },
  });
}
