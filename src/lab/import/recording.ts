/**
 * The text of a recorder, line by line: of a file, of stdin, or of several files that strace -ff
 * wrote.
 */
import { type PourOptions, pourStdin, pourText } from '../trace/text-file.js';
import { STDIN } from './document.js';
import { FileLines, type LineSink } from './file-lines.js';
import { mergeFiles } from './merge.js';

/** Hands on all lines. Throws `InputError` for what is no text. */
export async function readRecording(
  files: readonly string[],
  sink: LineSink,
  options: PourOptions,
): Promise<void> {
  const [file = STDIN, ...others] = files;
  if (others.length > 0) {
    await mergeFiles(files, sink, options);
    return;
  }
  const lines = new FileLines(file, sink);
  if (file === STDIN) await pourStdin(lines, options);
  else await pourText(file, lines, options);
  lines.end();
}
