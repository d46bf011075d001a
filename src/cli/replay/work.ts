/** The job of `ptfrag replay`: one recording done again. */
import { type ReplayDocument, type ReplayOptions, replayTrace } from '../../lab/replay/replay.js';
import { countOf } from '../../report/text.js';
import type { JobPort } from '../shell/job.js';

export type ReplayRequest = Omit<ReplayOptions, 'signal' | 'onProgress'>;

export function work(request: ReplayRequest, port: JobPort<never>): Promise<ReplayDocument> {
  return replayTrace({
    ...request,
    signal: port.signal,
    onProgress: ({ bytesRead, bytesTotal, records, reads }) => {
      const what = `${countOf(records, 'record')}, ${countOf(reads, 'read')}`;
      port.onProgress(what, bytesRead / bytesTotal, { records, reads });
    },
  });
}
