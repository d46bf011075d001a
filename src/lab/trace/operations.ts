/**
 * The operations that a form of recording knows: by name, with how many arguments each must have.
 *
 * Operations that say nothing about tables of ours are defined too, without a reader: a name that
 * isn't defined means that the file is damaged, or newer than this reader, and is refused.
 */

/** Who makes readers of lines that name their mm first. */
interface Mms {
  ours(read: (mm: number) => void): () => void;
}

export interface Operation {
  readonly name: string;
  /** How many arguments it may have. */
  readonly min: number;
  readonly max: number;
  /** Null: the operation is skipped. */
  readonly read: (() => void) | null;
}

export class Operations {
  /** By the bytes of the name as one number: no string is made of a line that is right. */
  private readonly byBytes = new Map<number, Operation>();
  private readonly mms: Mms;

  constructor(mms: Mms) {
    this.mms = mms;
  }

  /** Defines an operation with exactly `min` arguments, or with `min` to `max`. */
  define(name: string, min: number, read: () => void, max: number = min): this {
    this.byBytes.set(packName(name), { name, min, max, read });
    return this;
  }

  /** Defines one whose first argument is an mm: `read` gets those of mms in the trace. */
  ofMm(name: string, min: number, read: (mm: number) => void, max: number = min): this {
    return this.define(name, min, this.mms.ours(read), max);
  }

  /** Defines operations that are skipped, whatever their arguments are. */
  skip(...names: string[]): this {
    const max = Number.POSITIVE_INFINITY;
    for (const name of names) {
      this.byBytes.set(packName(name), { name, min: 1, max, read: null });
    }
    return this;
  }

  /** The operation whose name `RecordLine.packed()` gave. */
  find(packed: number): Operation | undefined {
    return this.byBytes.get(packed);
  }

  /** All names, for a message. */
  names(): string {
    return [...this.byBytes.values()].map((operation) => operation.name).join(' ');
  }
}

/** Must agree with `RecordLine.packed()`. */
function packName(name: string): number {
  let packed = 0;
  for (let i = 0; i < name.length; i++) packed |= name.charCodeAt(i) << (8 * i);
  return packed;
}
