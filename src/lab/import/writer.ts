/**
 * Writes a trace of table events: `T.ptf.gz`, gzipped text.
 *
 *   # ptf 1: page-table events derived from what a program did
 *   # geometry=s390 pte=2 pmd=0 span=100000
 *   # source=perf-trace records=5120 mms=12 faults=recorded
 *   # input=gcc.txt lines=1900 unplaced=0 lost=0
 *   # line t_us op args
 *   1 0 I m1
 *   …
 *
 * The header has counts that are known only at the end, and memory for the records there is none.
 * So records go to a file of their own, in one gzip member; at the end the header's member and that
 * one are put together (gzip members in a row are one gzip file).
 */
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { createGzip, type Gzip, gzipSync } from 'node:zlib';
import type { TraceOutput } from './document.js';
import type { TraceSink } from './task-spaces.js';

/** How much text is collected before it goes to gzip. */
const BLOCK_CHARACTERS: number = 64 * 1024;

export class TraceWriter implements TraceSink {
  records = 0;
  mms = 0;
  /** Of the mms. */
  ended = 0;
  readonly allocs: [pte: number, pmd: number] = [0, 0];
  readonly frees: [pte: number, pmd: number] = [0, 0];
  readonly peak: [pte: number, pmd: number] = [0, 0];
  private readonly output: TraceOutput;
  private readonly gzip: Gzip = createGzip({ level: 9 });
  private failure: Error | null = null;
  private text = '';
  private prefix = '';
  private bytes = 0;

  constructor(output: TraceOutput) {
    this.output = output;
    const { sink } = output.body;
    for (const stream of [this.gzip, sink]) {
      stream.on('error', (error: Error) => {
        this.failure ??= error;
        this.gzip.destroy();
      });
    }
    this.gzip.on('data', ({ length }: Uint8Array) => {
      this.bytes += length;
    });
    this.gzip.pipe(sink);
  }

  /** Where in the recorder's text the next records come from, and when that was. */
  at(line: number, timeUs: number): void {
    this.prefix = `${line} ${timeUs} `;
  }

  create(mm: number): void {
    this.mms++;
    this.write(`I m${mm}`);
  }

  exit(mm: number): void {
    this.write(`E m${mm}`);
  }

  destroy(mm: number): void {
    this.ended++;
    this.write(`D m${mm}`);
  }

  alloc(mm: number, kind: 0 | 1, index: number): void {
    this.allocs[kind]++;
    this.peak[kind] = Math.max(this.peak[kind], this.allocs[kind] - this.frees[kind]);
    this.write(`A m${mm} ${kind} ${index.toString(16)}`);
  }

  free(mm: number, kind: 0 | 1, index: number): void {
    this.frees[kind]++;
    this.write(`F m${mm} ${kind} ${index.toString(16)}`);
  }

  /** To be waited for between chunks of input: until what was written has a place. */
  flush(): Promise<void> | undefined {
    if (this.failure !== null) throw this.failure;
    if (this.text.length < BLOCK_CHARACTERS) return undefined;
    const { text } = this;
    this.text = '';
    if (this.gzip.write(text)) return undefined;
    return this.drained();
  }

  /** Puts header and records together. Gives the size of the file. */
  async finish(header: readonly string[]): Promise<number> {
    const { body, whole } = this.output;
    this.gzip.end(this.text);
    if (!body.sink.closed) await once(body.sink, 'close');
    if (this.failure !== null) throw this.failure;
    const head = gzipSync(`${header.join('\n')}\n`);
    whole.write(head);
    await pipeline(body.source(), whole);
    return head.length + this.bytes;
  }

  /** What is not finished is given up. */
  discard(): void {
    this.gzip.destroy();
    this.output.body.sink.destroy();
  }

  private async drained(): Promise<void> {
    const { gzip } = this;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        gzip.off('drain', done).off('close', done);
        resolve();
      };
      gzip.on('drain', done).on('close', done);
    });
    if (this.failure !== null) throw this.failure;
  }

  private write(record: string): void {
    this.records++;
    this.text += `${this.prefix}${record}\n`;
  }
}
