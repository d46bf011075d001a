/** The job of `ptfrag check`: scenarios and mutants explored, in threads of their own. */
import type { CheckDocument } from '../../checker/check/document.js';
import { type CheckRequest, runCheck } from '../../checker/check/run.js';
import type { JobPort } from '../shell/job.js';

/** Posts first a document without rows, then one of each row alone. */
export function work(request: CheckRequest, port: JobPort<CheckDocument>): Promise<CheckDocument> {
  return runCheck(request, port);
}
