/**
 * One run of a command: where it writes, what stops it, what it has found so far, and how it ends.
 *
 * Every way to end goes through here: a verdict, with its document or its sentences; or a failure,
 * as a document with `error` or as a line or two on stderr. Both give the exit code.
 */
import type { Style } from '../../report/paint.js';
import { wrap } from '../../report/text.js';
import {
  type CommandFailure,
  EXIT,
  type ExitCode,
  exitCodeOf,
  type Finding,
  type Verdict,
  verdictOf,
} from './failure.js';
import type { Progress } from './job.js';
import type { Terminal } from './terminal.js';

/** What the documents of commands that came to their end have in common. */
export interface Outcome {
  readonly verdict: Finding;
}

/** What was done before a command was stopped. */
interface SoFar {
  readonly document: object;
  /** In words, for example `compared 2 of 5 recordings`. */
  readonly words: string;
}

/** Longer lines of prose are hard to read, however wide the terminal. */
const PROSE_COLUMNS = 100;

const STYLES: Readonly<Record<Finding, Style>> = Object.freeze({
  holds: 'green',
  violated: 'red',
  inconclusive: 'yellow',
});

/** What a context is started with. */
export interface Invocation {
  /** Null until the command line has been understood. */
  readonly command: string | null;
  readonly json: boolean;
  /** The command line, as it was given. */
  readonly given: string;
  /** The command line that does the same again. */
  readonly again: string;
  /** The one that says what could have been asked for. */
  readonly help: string;
}

export class Context {
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  private readonly invocation: Invocation;
  private soFar: SoFar = { document: {}, words: 'nothing was finished' };

  constructor(terminal: Terminal, signal: AbortSignal, invocation: Invocation) {
    this.terminal = terminal;
    this.signal = signal;
    this.invocation = invocation;
  }

  /** The command line that this is a run of, as it was given. */
  get commandLine(): string {
    return this.invocation.given;
  }

  /** For people only: nothing with --json. */
  print(text: string): void {
    if (!this.invocation.json) this.terminal.print(text);
  }

  progress({ what, fraction }: Progress): void {
    const percent = `${Math.min(100, Math.floor(100 * fraction))} %`;
    this.terminal.status(`${this.invocation.command}  ${what}  ${percent}`);
  }

  /** Remembers what is to be shown should the command be stopped now. */
  reached(document: object, words: string): void {
    this.soFar = { document, words };
  }

  /** Ends with a verdict: the document, or its sentences. */
  finish(document: Outcome, sentences: readonly string[]): ExitCode {
    this.terminal.clearStatus();
    const exitCode = EXIT[document.verdict];
    if (this.invocation.json) this.terminal.print(JSON.stringify({ schema: 1, ...document }));
    else if (sentences.length > 0) this.terminal.print(this.marked(document.verdict, sentences));
    if (exitCode !== EXIT.holds) this.terminal.note(`again: ${this.invocation.again}`);
    return exitCode;
  }

  /** Ends without a verdict, for nothing was to be found out: the document, or its text. */
  answer(document: object, text: string): ExitCode {
    if (this.invocation.json) this.terminal.print(JSON.stringify({ schema: 1, ...document }));
    else if (text !== '') this.terminal.print(text);
    return EXIT.holds;
  }

  /** Sentences in lines that fit the terminal. */
  prose(sentences: readonly string[]): string[] {
    const columns = Math.min(this.terminal.columns, PROSE_COLUMNS);
    return sentences.flatMap((sentence) => wrap(sentence, columns));
  }

  /** Sentences whose first word is the verdict, in its colour. */
  marked(verdict: Finding, sentences: readonly string[]): string {
    const paint = (word: string): string => this.terminal.paint(STYLES[verdict], word);
    return sentences.join('\n').replace(/^\w+/, paint);
  }

  /** Ends without a verdict of the command's own. */
  fail(failure: CommandFailure): ExitCode {
    this.terminal.clearStatus();
    if (this.invocation.json) this.terminal.print(JSON.stringify(this.failureDocument(failure)));
    for (const line of this.failureLines(failure)) this.terminal.note(line);
    return exitCodeOf(failure);
  }

  private failureDocument(failure: CommandFailure): object {
    const { code, message, file, line, expected, rule } = failure;
    const violations = rule === null ? {} : { violations: [{ rule, detail: message }] };
    return {
      schema: 1,
      ...this.soFar.document,
      command: this.invocation.command,
      verdict: verdictOf(failure),
      ok: false,
      ...violations,
      error: { code, message, file, line, expected },
    };
  }

  private failureLines(failure: CommandFailure): string[] {
    const { paintNote } = this.terminal;
    const { message, stack } = failure;
    const [line, again] = [
      `${paintNote('red', 'ptfrag')}: ${message}`,
      `again: ${this.invocation.again}`,
    ];
    const verdict: Verdict = verdictOf(failure);
    if (verdict === 'crashed') {
      const ours = 'this is a mistake in ptfrag, not in what it was given.';
      return [line, `${paintNote('red', verdict)}: ${ours}`, stack ?? '', again];
    }
    if (verdict === 'interrupted') {
      // Whoever stopped reading knows.
      if (failure.signal === 'SIGPIPE') return [];
      return [`${paintNote('yellow', verdict)}: ${this.soFar.words} (${message})`];
    }
    if (failure.name === 'UsageError') return [line, `see: ${this.invocation.help}`];
    return exitCodeOf(failure) === EXIT.usage ? [line] : [line, again];
  }
}
