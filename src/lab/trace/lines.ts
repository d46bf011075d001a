/**
 * Lines out of chunks of bytes, without making a string of each.
 *
 * A line that ends in the chunk it began in is handed on where it lies. Only a line that is cut
 * by the end of a chunk is copied, into a buffer that is never longer than the longest line
 * allowed: that, and not the file, is what a reader holds in memory.
 */

/** No record comes near this. A longer line means that the file isn't text made of lines. */
export const LINE_BYTES_MAX: number = 64 * 1024;

const NEWLINE = 10;

/** What the buffer for a cut line has at least. */
const CARRY_BYTES = 4096;

const NOTHING: Uint8Array = new Uint8Array(0);

/** Gets `bytes[from, to)`, a line without its newline. Valid only during the call. */
type OnLine = (bytes: Uint8Array, from: number, to: number) => void;

export class LineSplitter {
  private readonly onLine: OnLine;
  private readonly onTooLong: () => never;
  private readonly most: number;
  private carry: Uint8Array = Buffer.alloc(0);
  /** Bytes of the unfinished line in `carry`. */
  private carried = 0;

  constructor(onLine: OnLine, onTooLong: () => never, most: number = LINE_BYTES_MAX) {
    this.onLine = onLine;
    this.onTooLong = onTooLong;
    this.most = most;
  }

  push(chunk: Uint8Array): void {
    let from = 0;
    for (;;) {
      const to = chunk.indexOf(NEWLINE, from);
      if (to < 0) break;
      if (this.carried > 0) this.finishCarried(chunk, from, to);
      else if (to - from > this.most) this.onTooLong();
      else this.onLine(chunk, from, to);
      from = to + 1;
    }
    if (from < chunk.length) this.keep(chunk, from, chunk.length);
  }

  /** Whether the last byte pushed was not a newline. */
  get unfinished(): boolean {
    return this.carried > 0;
  }

  /** Hands on what stands behind the last newline, if anything does. */
  end(): void {
    if (this.carried > 0) this.finishCarried(NOTHING, 0, 0);
  }

  private finishCarried(chunk: Uint8Array, from: number, to: number): void {
    this.keep(chunk, from, to);
    const length = this.carried;
    this.carried = 0;
    this.onLine(this.carry, 0, length);
  }

  private keep(chunk: Uint8Array, from: number, to: number): void {
    const length = this.carried + (to - from);
    if (length > this.most) this.onTooLong();
    if (length > this.carry.length) {
      const longer = Buffer.alloc(Math.min(this.most, Math.max(CARRY_BYTES, 2 * length)));
      longer.set(this.carry.subarray(0, this.carried));
      this.carry = longer;
    }
    this.carry.set(chunk.subarray(from, to), this.carried);
    this.carried = length;
  }
}
