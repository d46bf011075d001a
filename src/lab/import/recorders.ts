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

/**
 * The recorder in whose form the most of these lines are, whether they say anything about memory or
 * not; null: they have none. A text of one recorder has lines of others at most by chance.
 */
export function recognise(lines: readonly string[]): Recorder | null {
  const telling = lines.filter((line) => /^\s*[^#\s]/.test(line));
  let best: Recorder | null = null;
  let most = 0;
  for (const recorder of RECORDERS) {
    const parser = recorder.makeParser(() => {}, { isApart: false });
    const placed = telling.map((line, i) => parser.line(line, telling[i + 1] ?? null));
    const used = placed.filter((each) => each === 'used').length;
    const formed = placed.filter((each) => each !== 'unplaced').length;
    // A recording that lacks something is of its recorder all the same.
    const score = formed + (parser.advice ? telling.length : 0);
    const isTold = used > 0 || 2 * score > telling.length;
    if (isTold && score > most) {
      best = recorder;
      most = score;
    }
  }
  return best;
}
