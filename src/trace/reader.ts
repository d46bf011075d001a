/**
 * Reads a recording from its file, plain or gzipped, and hands every event to a consumer.
 *
 * It streams: what is held is a chunk, the longest line allowed and what is live in the trace. The
 * consumer is called synchronously, in the order of the file, so it sees a serial history. A file
 * that is damaged, or that contradicts itself, is refused with an InputError that names the place;
 * by then the consumer has seen the events before it.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { InputError } from '../base/errors.js';
import type { TraceCounts } from './counts.js';
import type { TraceEvent, TraceHeader } from './event.js';
import { TraceParser } from './parser.js';

export interface ReadOptions {
  /** Stops the reading: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called once, before the first event. */
  readonly onHeader?: ((header: TraceHeader) => void) | undefined;
  /** How far it is, in bytes of the file as it lies on the disk. */
  readonly onProgress?: ((bytesRead: number, bytesTotal: number) => void) | undefined;
}

/** A trace's header and counts. */
export type TraceFacts = TraceHeader & TraceCounts;

const GZIP_MAGIC = [0x1f, 0x8b] as const;
const CHUNK_BYTES: number = 256 * 1024;

export async function readTrace(
  file: string,
  onEvent: (event: TraceEvent) => void,
  options: ReadOptions = {},
): Promise<TraceFacts> {
  const parser = new TraceParser(file, onEvent, options.onHeader);
  const sink = new ParserSink(parser);
  try {
    await pour(file, sink, options);
  } catch (error) {
    if (sink.failure !== null) throw sink.failure.error;
    options.signal?.throwIfAborted();
    throw asInputError(error, file, parser.line);
  }
  return parser.finish();
}

/** The end of the pipe. What parser and consumer throw is kept apart from what the pipe throws. */
class ParserSink extends Writable {
  failure: { readonly error: unknown } | null = null;
  onChunk: (() => void) | undefined;
  private readonly parser: TraceParser;

  constructor(parser: TraceParser) {
    super();
    this.parser = parser;
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error) => void): void {
    try {
      this.parser.push(chunk);
      this.onChunk?.();
      done();
    } catch (error) {
      this.failure = { error };
      done(new Error('stopped'));
    }
  }
}

/** Pours the file's text into the sink, chunk by chunk. */
async function pour(file: string, sink: ParserSink, options: ReadOptions): Promise<void> {
  const { signal, onProgress } = options;
  const handle = await open(file, 'r');
  try {
    const bytesTotal = await fileSize(file, handle);
    const isGzip = await beginsWith(handle, GZIP_MAGIC);
    const read = { start: 0, autoClose: false, highWaterMark: CHUNK_BYTES };
    const source = handle.createReadStream(read);
    sink.onChunk = (): void => onProgress?.(source.bytesRead, bytesTotal);
    const gunzip = isGzip ? [createGunzip({ chunkSize: CHUNK_BYTES })] : [];
    await pipeline([source, ...gunzip, sink], signal === undefined ? {} : { signal });
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
