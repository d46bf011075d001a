/** How many mms a recording can have that is replayed on threads. */
import { LimitError } from '../../core/base/errors.js';

export const TRACE_MMS_MAX: number = 2 ** 20;

/** Throws `LimitError` for an mm that the boards have no room for. */
export function checkTraceMm(mm: number): void {
  if (mm < TRACE_MMS_MAX) return;
  throw new LimitError('mms of a trace', TRACE_MMS_MAX, 'the trace has too many mms to replay');
}
