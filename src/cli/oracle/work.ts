/** The job of `ptfrag oracle`: recordings held against a rule of Linux. */
import { askOracle, type OracleDocument, type OracleOptions } from '../../lab/oracle/ask.js';
import { byTrace } from '../shell/by-trace.js';
import type { JobPort } from '../shell/job.js';
import type { NamedTrace } from '../shell/traces.js';

export interface OracleRequest extends Pick<OracleOptions, 'design'> {
  readonly traces: readonly NamedTrace[];
}

/** Posts the document of each recording alone. */
export function work(
  { traces, design }: OracleRequest,
  port: JobPort<OracleDocument>,
): Promise<OracleDocument> {
  const files = traces.map(({ file }) => file);
  return askOracle(files, { design, ...byTrace(traces, port), onTrace: port.onPart });
}
