/**
 * The text of a file, plain or gzipped, poured into whoever wants it, chunk by chunk.
 *
 * What is held is one chunk: the next is read when the last has been dealt with. A file that can't
 * be read, or whose gzip stream is damaged, is refused with an InputError that names the place.
 */
import { once } from 'node:events';
import { constants, createReadStream, fstatSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Socket } from 'node:net';
import { type Readable, Writable } from 'node:stream';
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

/** The open of a pipe without a writer would wait for one, and no signal would end that. */
const READ_AT_ONCE: number = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

const GZIP_MAGIC = [0x1f, 0x8b] as const;
const CHUNK_BYTES: number = 256 * 1024;
const SMALL_CHUNK_BYTES: number = 16 * 1024;

/** Pours a file's text into the sink. What the sink throws is thrown as it is. */
export function pourText(file: string, sink: TextSink, options: PourOptions = {}): Promise<void> {
  return poured(file, sink, options, (end) => pour(file, end, options));
}

/** The same with what comes in on stdin. Its length is not known: progress says 0 of 0 bytes. */
export function pourStdin(sink: TextSink, options: PourOptions = {}): Promise<void> {
  return poured('stdin', sink, options, async (end) => {
    const source = stdinStream();
    end.onChunk = (): void => options.onProgress?.(0, 0);
    try {
      await pipeThrough(source, isGzip(await peek(source, options.signal)), end, options.signal);
    } finally {
      source.destroy();
    }
  });
}

/** The text of a file, chunk by chunk, for who reads several at a time. */
export interface ByteSource {
  /** Of the file as it lies on the disk. */
  readonly bytes: number;
  /** Null: that was all. */
  read(): Promise<Uint8Array | null>;
  close(): Promise<void>;
}

/** Opens a file, plain or gzipped. What goes wrong is an `InputError`, as in `pourText`. */
export async function openText(file: string): Promise<ByteSource> {
  const wrapped = async <T>(doing: Promise<T>): Promise<T> => {
    try {
      return await doing;
    } catch (error) {
      throw asInputError(error, file, 0);
    }
  };
  const { bytes, isPacked } = await wrapped(sizeAndKind(file));
  const plain = createReadStream(file, { highWaterMark: SMALL_CHUNK_BYTES });
  const gunzip = createGunzip({ chunkSize: SMALL_CHUNK_BYTES });
  const whole = isPacked ? plain.pipe(gunzip) : plain;
  plain.on('error', (error) => whole.destroy(error));
  const chunks: AsyncIterator<Uint8Array> = whole[Symbol.asyncIterator]();
  return {
    bytes,
    read: async () => (await wrapped(chunks.next())).value ?? null,
    close: async () => {
      plain.destroy();
      gunzip.destroy();
      await chunks.return?.();
    },
  };
}

async function sizeAndKind(file: string): Promise<{ bytes: number; isPacked: boolean }> {
  const handle = await open(file, READ_AT_ONCE);
  try {
    return { bytes: await fileSize(file, handle), isPacked: isGzip(await firstBytes(handle)) };
  } finally {
    await handle.close();
  }
}

async function poured(
  name: string,
  sink: TextSink,
  { signal }: PourOptions,
  pouring: (end: PipeEnd) => Promise<void>,
): Promise<void> {
  const end = new PipeEnd(sink);
  try {
    await pouring(end);
  } catch (error) {
    if (end.failure !== null) throw end.failure.error;
    signal?.throwIfAborted();
    throw asInputError(error, name, sink.line);
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
  const handle = await open(file, READ_AT_ONCE);
  try {
    const bytesTotal = await fileSize(file, handle);
    const isPacked = isGzip(await firstBytes(handle));
    const read = { start: 0, autoClose: false, highWaterMark: CHUNK_BYTES };
    const source = handle.createReadStream(read);
    end.onChunk = (): void => onProgress?.(source.bytesRead, bytesTotal);
    await pipeThrough(source, isPacked, end, signal);
  } finally {
    await handle.close();
  }
}

function pipeThrough(
  source: Readable,
  isPacked: boolean,
  end: Writable,
  signal: AbortSignal | undefined,
): Promise<void> {
  const gunzip = isPacked ? [createGunzip({ chunkSize: CHUNK_BYTES })] : [];
  return pipeline([source, ...gunzip, end], signal === undefined ? {} : { signal });
}

/** A pipe can be left while it is waited for, which reading it as a file would not allow. */
function stdinStream(): Readable {
  const stat = fstatSync(0);
  if (stat.isFIFO() || stat.isSocket()) return new Socket({ fd: 0, writable: false });
  return createReadStream('', { fd: 0, autoClose: false, highWaterMark: CHUNK_BYTES });
}

/** What comes first; it stays in the stream. Empty at its end. */
async function peek(source: Readable, signal?: AbortSignal): Promise<Uint8Array> {
  const options = signal === undefined ? {} : { signal };
  for (;;) {
    const chunk: Uint8Array | null = source.read();
    if (chunk !== null) {
      source.unshift(chunk);
      return chunk;
    }
    if (source.readableEnded || source.destroyed) return new Uint8Array(0);
    await Promise.race([once(source, 'readable', options), once(source, 'end', options)]);
  }
}

async function firstBytes(handle: FileHandle): Promise<Uint8Array> {
  const { buffer } = await handle.read(new Uint8Array(GZIP_MAGIC.length), 0, GZIP_MAGIC.length, 0);
  return buffer;
}

function isGzip([first, second]: Uint8Array): boolean {
  return first === GZIP_MAGIC[0] && second === GZIP_MAGIC[1];
}

/** The size of a regular file; anything else is refused. */
async function fileSize(file: string, handle: FileHandle): Promise<number> {
  const stat = await handle.stat();
  if (stat.isFile()) return stat.size;
  if (stat.isDirectory()) throw refuseFile(file, 'is-a-directory', 'is a directory');
  const isPipe = stat.isFIFO() ? ': a pipe is read as stdin, by import -' : '';
  throw refuseFile(file, 'not-a-file', `is not a regular file${isPipe}`);
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
