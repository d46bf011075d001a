/**
 * Files that a command leaves behind: there as a whole or not at all.
 *
 * A file is written under a name of its own and then renamed, so whoever looks at it meanwhile sees
 * the old one or the new one. Whether that can work is tried before the command begins: nobody
 * wants to learn it after a minute of work.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  createWriteStream,
  openSync,
  realpathSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { UsageError } from '../../core/base/errors.js';

const PIECE_LENGTH: number = 64 * 1024;

/** A file that is to be written, and the option that asked for it. */
export interface Output {
  readonly option: string;
  readonly file: string;
}

/** Throws `UsageError` where one can't be written, or would replace an input or another output. */
export function checkOutputs(outputs: readonly Output[], inputs: readonly string[]): void {
  const taken = new Map(inputs.map((file) => [realPath(file), `it is read: ${file}`]));
  for (const { option, file } of outputs) {
    const problem = outputProblem(file) ?? taken.get(realPath(file));
    if (problem !== undefined) {
      throw new UsageError('bad-output', `${option}: '${file}' can't be written: ${problem}`);
    }
    taken.set(realPath(file), `${option} writes it`);
  }
}

/** Tries, and leaves nothing behind. */
function outputProblem(file: string): string | undefined {
  if (file === '' || file === '-') return 'expected the name of a file';
  const found = statSync(file, { throwIfNoEntry: false });
  if (found?.isDirectory()) return 'it is a directory';
  if (found !== undefined && !found.isFile()) return 'it is not a regular file';
  const probe = asideOf(file);
  try {
    closeSync(openSync(probe, 'wx'));
    unlinkSync(probe);
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

/** Writes the text, gzipped if the name ends so. Throws `UsageError` with what the system says. */
export async function writeOutput(
  { option, file }: Output,
  chunks: Iterable<string>,
  signal: AbortSignal,
): Promise<void> {
  const target = realPath(file);
  const aside = asideOf(target);
  const source = Readable.from(inPieces(chunks), { objectMode: true });
  const sink = createWriteStream(aside, { flags: 'wx' });
  try {
    if (file.endsWith('.gz')) await pipeline(source, createGzip(), sink, { signal });
    else await pipeline(source, sink, { signal });
    await rename(aside, target);
  } catch (error) {
    await rm(aside, { force: true });
    signal.throwIfAborted();
    const message = `${option}: '${file}' could not be written: ${reasonOf(error)}`;
    throw new UsageError('not-written', message);
  }
}

/** A write costs as much as a thousand letters: short chunks are put together. */
function* inPieces(chunks: Iterable<string>): Generator<string> {
  let piece = '';
  for (const chunk of chunks) {
    piece += chunk;
    if (piece.length < PIECE_LENGTH) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}

/** In the same folder: a rename does not cross file systems. */
function asideOf(file: string): string {
  return join(dirname(file), `.${basename(file)}.${randomBytes(6).toString('hex')}.new`);
}

/** Where a link leads: it is to stay a link. A file that isn't there yet has its folder's path. */
function realPath(file: string): string {
  for (const [path, rest] of [
    [file, ''],
    [dirname(file), basename(file)],
  ] as const) {
    if (statSync(path, { throwIfNoEntry: false }) !== undefined) {
      return join(realpathSync(path), rest);
    }
  }
  return file;
}

function reasonOf(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return REASONS[code] ?? message;
}

const REASONS: Readonly<Record<string, string>> = Object.freeze({
  ENOENT: 'its folder is not there',
  ENOTDIR: 'its folder is not a folder',
  EACCES: 'its folder may not be written',
  EPERM: 'its folder may not be written',
  EROFS: 'its folder may not be written',
  ENOSPC: 'the disk is full',
  ENAMETOOLONG: 'its name is too long',
});
