/** How a check ends, whether it was run here or put together from its shards. */
import type { CheckDocument } from '../../checker/check/document.js';
import { checkFindings, checkVerdict } from '../../report/check.js';
import type { Context } from '../shell/context.js';
import type { ExitCode } from '../shell/failure.js';

/** What failed in full, and the verdict, below the table. */
export function finishCheck(document: CheckDocument, context: Context): ExitCode {
  context.print([...checkFindings(document), ''].join('\n'));
  return context.finish(document, context.prose(checkVerdict(document)));
}
