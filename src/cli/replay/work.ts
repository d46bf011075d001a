/** The job of `ptfrag replay`: one recording done again, in the way that was chosen. */
import { replayAlone } from '../../lab/replay/alone.js';
import type { ReplayDocument, ReplayProgress } from '../../lab/replay/document.js';
import { replayPageTables } from '../../lab/replay/pgtable/replay.js';
import { replayTables } from '../../lab/replay/tables/replay.js';
import { countOf } from '../../report/text.js';
import type { JobPort } from '../shell/job.js';
import type { ReplayRequest } from './choose.js';

export function work(request: ReplayRequest, port: JobPort<never>): Promise<ReplayDocument> {
  const onProgress = ({ bytesRead, bytesTotal, records, reads }: ReplayProgress): void => {
    const what = `${countOf(records, 'record')}, ${countOf(reads, 'read')}`;
    port.onProgress(what, bytesRead / bytesTotal, { records, reads });
  };
  const watch = { signal: port.signal, onProgress };
  if (request.way === 'alone') return replayAlone({ ...request, ...watch });
  if (request.way === 'tables') return replayTables({ ...request, ...watch });
  return replayPageTables({ ...request, ...watch });
}
