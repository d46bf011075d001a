/** What is odd about a trace as a whole, though each line of the recording was placed. */
import type { LineParser, Warning } from './line-parser.js';
import type { Processes } from './processes.js';
import type { TraceWriter } from './writer.js';

/** Lines that say that events were lost; and the last one, where it is cut off and left out. */
export interface OddLines {
  readonly lost: number;
  readonly cutOff: string | null;
}

export function warningsOf(
  writer: TraceWriter,
  processes: Processes,
  parser: LineParser,
  { lost, cutOff }: OddLines,
): Warning[] {
  const warnings = [...(parser.warnings ?? []), ...processes.warnings()];
  const warn = (code: string, doubtful: boolean, message: string): void => {
    warnings.push({ code, message, doubtful });
  };
  const { mms, ended, frees } = writer;
  if (frees[0] + frees[1] === 0) {
    const message =
      'no table is ever freed: no exit, no exec and no unmapping in it ' +
      '(docs/import.md has the commands)';
    warn('nothing-freed', true, message);
  } else if (ended < mms) {
    const message = `${mms - ended} of ${mms} mms never end: no line tells of it`;
    warn('mms-never-end', ended === 0 && mms > 1, message);
  }
  if (lost > 0) warn('lost-events', false, `events are missing at ${lost} places`);
  if (cutOff !== null) warn('cut-off', false, `the last line is cut off and left out: ${cutOff}`);
  return warnings;
}
