/** The recorders whose text can be imported, by name, and which of them wrote a text. */
import { UsageError } from '../../core/base/errors.js';
import { FTRACE } from './ftrace.js';
import type { Recorder } from './line-parser.js';
import { PERF_SCRIPT } from './perf-script.js';
import { PERF_TRACE } from './perf-trace.js';
import { STRACE } from './strace.js';

export const RECORDERS: readonly Recorder[] = [PERF_TRACE, PERF_SCRIPT, STRACE, FTRACE];

/** Throws `UsageError` that lists them for another name. */
export function recorderNamed(name: string): Recorder {
  const recorder = RECORDERS.find((each) => each.name === name);
  if (recorder !== undefined) return recorder;
  const names = RECORDERS.map((each) => each.name).join(', ');
  throw new UsageError('no-such-recorder', `no recorder ${name}; there are: ${names}`);
}

/** The recorder in whose text the most of these lines say something; null: they say nothing. */
export function recognise(lines: readonly string[]): Recorder | null {
  let best: Recorder | null = null;
  let most = 0;
  for (const recorder of RECORDERS) {
    const parser = recorder.makeParser(() => {});
    const used = lines.filter((line) => parser.line(line) === 'used').length;
    // A recording that lacks something is of its recorder all the same.
    const score = used + (parser.advice ? 1 : 0);
    if (score > most) {
      best = recorder;
      most = score;
    }
  }
  return best;
}
