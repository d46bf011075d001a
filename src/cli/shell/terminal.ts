/**
 * The two streams that a command writes to, and what may be written there.
 *
 * Results go to stdout, all else to stderr. Colours and the status line are for people: a stream
 * that is no terminal gets plain lines, and of the progress one every few seconds. A reader of
 * stdout that goes away early (`| head`) stops the command, quietly. One of stderr doesn't: what
 * nobody reads there is dropped.
 */
import type { WriteStream } from 'node:tty';
import type { Paint, Style } from '../../report/paint.js';
import { EXIT, type StopSignal } from './failure.js';

type Environment = Readonly<Record<string, string | undefined>>;

const SGR: Readonly<Record<Style, readonly [on: number, off: number]>> = Object.freeze({
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
});

const COLUMNS_DEFAULT = 80;
const REDRAW_MS = 80;
const PLAIN_LINE_MS = 5000;
const CLEAR_LINE = '\r\u001b[K';

export class Terminal {
  /** For text that goes to stdout, and for text that goes to stderr. */
  readonly paint: Paint;
  readonly paintNote: Paint;
  private readonly out: WriteStream;
  private readonly notes: WriteStream;
  private readonly environment: Environment;
  private readonly redraws: boolean;
  private readonly reading: AbortController = new AbortController();
  private statusShown = false;
  private lastStatusMs = performance.now();

  constructor(out: WriteStream, notes: WriteStream, environment: Environment) {
    this.out = out;
    this.notes = notes;
    this.environment = environment;
    this.paint = painter(wantsColour(out, environment));
    this.paintNote = painter(wantsColour(notes, environment));
    this.redraws = notes.isTTY === true && environment['TERM'] !== 'dumb';
    for (const stream of [out, notes]) {
      stream.on('error', (error) => this.broken(stream, error));
    }
  }

  /** Aborted, with SIGPIPE as its reason, when nobody reads stdout any more. */
  get readerGone(): AbortSignal {
    return this.reading.signal;
  }

  /** Width for text on stdout. */
  get columns(): number {
    const given = this.out.isTTY ? this.out.columns : Number(this.environment['COLUMNS']);
    return given > 0 ? given : COLUMNS_DEFAULT;
  }

  /** A result. */
  print(text: string): void {
    this.clearStatus();
    this.out.write(`${text}\n`);
  }

  /** Anything else that is to be read: errors, verdicts of a --json command, advice. */
  note(text: string): void {
    this.clearStatus();
    this.notes.write(`${text}\n`);
  }

  /** How far it is, in one line that the next one replaces. */
  status(text: string): void {
    const now = performance.now();
    if (now - this.lastStatusMs < (this.redraws ? REDRAW_MS : PLAIN_LINE_MS)) return;
    this.lastStatusMs = now;
    if (!this.redraws) {
      this.notes.write(`${text}\n`);
      return;
    }
    const room = (this.notes.columns || COLUMNS_DEFAULT) - 1;
    this.notes.write(CLEAR_LINE + this.paintNote('dim', text.slice(0, room)));
    this.statusShown = true;
  }

  clearStatus(): void {
    if (this.statusShown) this.notes.write(CLEAR_LINE);
    this.statusShown = false;
  }

  /** A result that could not be written (a full disk) must not look like one that was. */
  private broken(stream: WriteStream, error: NodeJS.ErrnoException): void {
    if (error.code === 'EPIPE' && stream === this.out) {
      const reason: StopSignal = 'SIGPIPE';
      this.reading.abort(reason);
      return;
    }
    if (error.code === 'EPIPE' || error.code === 'EIO') return;
    this.notes.write(`ptfrag: the output can't be written: ${error.message}\n`);
    process.exit(EXIT.usage);
  }
}

/** https://no-color.org and https://force-color.org; the latter is stronger, as it is in Node. */
function wantsColour(stream: WriteStream, environment: Environment): boolean {
  const force = environment['FORCE_COLOR'];
  if (force !== undefined) return force !== '0' && force !== 'false';
  if (environment['NO_COLOR']) return false;
  return stream.isTTY === true && environment['TERM'] !== 'dumb';
}

function painter(colours: boolean): Paint {
  if (!colours) return (_style, text) => text;
  return (style, text) => {
    const [on, off] = SGR[style];
    return `\u001b[${on}m${text}\u001b[${off}m`;
  };
}
