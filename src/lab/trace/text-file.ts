/**
 * The text of a file, plain or gzipped, poured into whoever wants it, chunk by chunk.
 *
 * What is held is one chunk: the next is read when the last has been dealt with. A file that can't
 * be read, or whose gzip stream is damaged, is refused with an InputError that names the place.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { InputError } from '../../core/base/errors.js';

export interface PourOptions {
  /** Stops the reading: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** How far it is, in bytes of the file as it lies on the disk. */
  readonly onProgress?: ((bytesRead: number, bytesTotal: number) => void) | undefined;
}

/** Who takes the text. */
export interface TextSink {
  /** The next chunk follows when what this returns is settled. */
  push(chunk: Uint8Array): Promise<void> | undefined;
  /** The last line that was looked at, for messages. */
  readonly line: number;
}

const GZIP_MAGIC = [0x1f, 0x8b] as const;
const CHUNK_BYTES: number = 256 * 1024;

/** Pours a file's text into the sink. What the sink throws is thrown as it is. */
export async function pourText(
  file: string,
  sink: TextSink,
  options: PourOptions = {},
): Promise<void> {
  const end = new PipeEnd(sink);
  try {
    await pour(file, end, options);
  } catch (error) {
    if (end.failure !== null) throw end.failure.error;
    options.signal?.throwIfAborted();
    throw asInputError(error, file, sink.line);
  }
}

/** The end of the pipe. What the sink throws is kept apart from what the pipe throws. */
class PipeEnd extends Writable {
  failure: { readonly error: unknown } | null = null;
  onChunk: (() => void) | undefined;
  private readonly sink: TextSink;

  constructor(sink: TextSink) {
    super();
    this.sink = sink;
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error) => void): void {
    const fail = (error: unknown): void => {
      this.failure = { error };
      done(new Error('stopped'));
    };
    try {
      const busy = this.sink.push(chunk);
      this.onChunk?.();
      if (busy === undefined) done();
      else busy.then(() => done(), fail);
    } catch (error) {
      fail(error);
    }
  }
}

async function pour(file: string, end: PipeEnd, options: PourOptions): Promise<void> {
  const { signal, onProgress } = options;
  const handle = await open(file, 'r');
  try {
    const bytesTotal = await fileSize(file, handle);
    const isGzip = await beginsWith(handle, GZIP_MAGIC);
    const read = { start: 0, autoClose: false, highWaterMark: CHUNK_BYTES };
    const source = handle.createReadStream(read);
    end.onChunk = (): void => onProgress?.(source.bytesRead, bytesTotal);
    const gunzip = isGzip ? [createGunzip({ chunkSize: CHUNK_BYTES })] : [];
    await pipeline([source, ...gunzip, end], signal === undefined ? {} : { signal });
  } finally {
    await handle.close();
  }
}

/** The size of a regular file; anything else is refused. */
async function fileSize(file: string, handle: FileHandle): Promise<number> {
  const stat = await handle.stat();
  if (stat.isFile()) return stat.size;
  if (stat.isDirectory()) throw refuseFile(file, 'is-a-directory', 'is a directory');
  throw refuseFile(file, 'not-a-file', 'is not a regular file');
}

async function beginsWith(handle: FileHandle, magic: readonly number[]): Promise<boolean> {
  const { buffer, bytesRead } = await handle.read(new Uint8Array(magic.length), 0, magic.length, 0);
  return bytesRead === magic.length && magic.every((byte, i) => buffer[i] === byte);
}

/** What the system or zlib says about the file, as an InputError. */
function asInputError(error: unknown, file: string, line: number): unknown {
  if (error instanceof InputError || !(error instanceof Error)) return error;
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code.startsWith('Z_')) {
    const isTruncated = code === 'Z_BUF_ERROR';
    const found = isTruncated ? 'ends too early: the file is truncated' : 'is damaged';
    const message = `${file}:${line}: the gzip stream ${found} (${error.message})`;
    const expected = 'a whole gzip file';
    return new InputError(message, {
      code: isTruncated ? 'truncated' : 'corrupt',
      file,
      line,
      expected,
    });
  }
  if (code === 'ENOENT' || code === 'ENOTDIR') return refuseFile(file, 'not-found', 'is not there');
  if (code === 'EISDIR') return refuseFile(file, 'is-a-directory', 'is a directory');
  return refuseFile(file, 'not-readable', `cannot be read (${error.message})`);
}

function refuseFile(file: string, code: string, found: string): InputError {
  const expected = 'a recording that can be read, plain or gzipped';
  return new InputError(`${file} ${found}; expected ${expected}`, {
    code,
    file,
    line: 0,
    expected,
  });
}
