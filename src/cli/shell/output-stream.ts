/** The job's side of a file that a command leaves behind: it is open, and is written here. */
import { readSync, writeFileSync } from 'node:fs';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { UsageError } from '../../core/base/errors.js';

const PIECE_LENGTH: number = 64 * 1024;

/** A file that is to be written, and the option that asked for it. */
export interface Output {
  readonly option: string;
  readonly file: string;
}

/** The same, open for writing. */
export interface OpenOutput extends Output {
  readonly fd: number;
}

/** Writes all of it, gzipped if the name ends so. Throws `UsageError` with what the system says. */
export async function writeOutput(
  output: OpenOutput,
  content: Iterable<string> | Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  const pieces = content instanceof Uint8Array ? [content] : inPieces(content);
  const source = Readable.from(pieces, { objectMode: true });
  const sink = writeStream(output);
  if (output.file.endsWith('.gz')) await pipeline(source, createGzip(), sink, { signal });
  else await pipeline(source, sink, { signal });
}

/**
 * A stream into the file. It doesn't close the descriptor, which belongs to the main thread, and
 * writes in one step: nothing of it is under way when the descriptor is closed.
 */
export function writeStream(output: OpenOutput): Writable {
  return new Writable({
    write(chunk: Uint8Array, _encoding, done): void {
      try {
        writeFileSync(output.fd, chunk);
      } catch (error) {
        done(notWritten(output, error));
        return;
      }
      // Not at once: a message of the main thread wants to be heard.
      setImmediate(done);
    },
  });
}

/** What was written to a descriptor, from its beginning. */
export function readStream(fd: number): Readable {
  return Readable.from(piecesOf(fd), { objectMode: false });
}

function* piecesOf(fd: number): Generator<Uint8Array> {
  for (let at = 0; ; ) {
    const piece = new Uint8Array(PIECE_LENGTH);
    const length = readSync(fd, piece, 0, PIECE_LENGTH, at);
    if (length === 0) return;
    yield piece.subarray(0, length);
    at += length;
  }
}

/** A write costs as much as a thousand letters: short texts are put together. */
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

export function notWritten({ option, file }: Output, error: unknown): UsageError {
  const message = `${option}: '${file}' could not be written: ${reasonOf(error)}`;
  return new UsageError('not-written', message);
}

export function reasonOf(error: unknown): string {
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
