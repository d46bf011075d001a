/** What jobs have in common that go through recordings one by one. */
import type { TraceProgress } from '../../lab/trace/progress.js';
import type { JobPort } from './job.js';
import type { NamedTrace } from './traces.js';

export interface ByTrace {
  readonly nameOf: (file: string) => string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: TraceProgress) => void;
}

/** Recordings are named as they were asked for, and progress says which of them it is. */
export function byTrace(traces: readonly NamedTrace[], port: JobPort<never>): ByTrace {
  const names = new Map(traces.map(({ file, name }) => [file, name]));
  return {
    nameOf: (file) => names.get(file) ?? file,
    signal: port.signal,
    onProgress: ({ trace, index, traces: count, fraction }) =>
      port.onProgress(count === 1 ? trace : `${index + 1} of ${count}  ${trace}`, fraction),
  };
}
