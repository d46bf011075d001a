/**
 * Lines out of chunks of bytes, without making a string of each.
 *
 * A line that ends in the chunk it began in is handed on where it lies. Only a line that is cut
 * by the end of a chunk is copied, into a buffer as long as the longest line allowed: that, and
 * not the file, is what a reader holds in memory.
 */

/** No record comes near this. A longer line means that the file isn't text made of lines. */
export const LINE_BYTES_MAX: number = 64 * 1024;

const NEWLINE = 10;

/** Gets `bytes[from, to)`, a line without its newline. Valid only during the call. */
type OnLine = (bytes: Uint8Array, from: number, to: number) => void;

export class LineSplitter {
  private readonly onLine: OnLine;
  private readonly onTooLong: () => never;
  private readonly carry: Uint8Array = Buffer.alloc(LINE_BYTES_MAX);
  /** Bytes of the unfinished line in `carry`. */
  private carried = 0;

  constructor(onLine: OnLine, onTooLong: () => never) {
    this.onLine = onLine;
    this.onTooLong = onTooLong;
  }

  push(chunk: Uint8Array): void {
    let from = 0;
    for (;;) {
      const to = chunk.indexOf(NEWLINE, from);
      if (to < 0) break;
      if (this.carried > 0) this.finishCarried(chunk, from, to);
      else if (to - from > LINE_BYTES_MAX) this.onTooLong();
      else this.onLine(chunk, from, to);
      from = to + 1;
    }
    if (from < chunk.length) this.keep(chunk, from, chunk.length);
  }

  /** Whether the last byte pushed was not a newline. */
  get unfinished(): boolean {
    return this.carried > 0;
  }

  private finishCarried(chunk: Uint8Array, from: number, to: number): void {
    this.keep(chunk, from, to);
    const length = this.carried;
    this.carried = 0;
    this.onLine(this.carry, 0, length);
  }

  private keep(chunk: Uint8Array, from: number, to: number): void {
    if (this.carried + (to - from) > LINE_BYTES_MAX) this.onTooLong();
    this.carry.set(chunk.subarray(from, to), this.carried);
    this.carried += to - from;
  }
}
