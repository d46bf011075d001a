/** One command line, from its arguments to the exit code. */
import type { WriteStream } from 'node:tty';
import { CommanderError } from 'commander';
import { commandLine } from './again.js';
import type { Shell } from './command.js';
import { Context } from './context.js';
import {
  type CommandFailure,
  EXIT,
  type ExitCode,
  exitCodeOfSignal,
  failureOf,
  misuse,
} from './failure.js';
import { watchSignals } from './interrupt.js';
import { packageVersion } from './package.js';
import { buildProgram, commandNamed } from './program.js';
import { Terminal } from './terminal.js';

/** What of a process a command line uses: the process's own, or others. */
export interface Surroundings {
  readonly stdout: WriteStream;
  readonly stderr: WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Runs the command line; never throws. */
export async function main(
  args: readonly string[],
  { stdout, stderr, env }: Surroundings,
): Promise<ExitCode> {
  const terminal = new Terminal(stdout, stderr, env);
  const interrupt = watchSignals();
  // What is written last is found unread only after this function has returned.
  terminal.readerGone.addEventListener('abort', () => {
    process.exitCode = exitCodeOfSignal('SIGPIPE');
  });
  try {
    const signal = AbortSignal.any([interrupt.signal, terminal.readerGone]);
    const exitCode = await new Run(args, terminal, signal).toEnd();
    return terminal.readerGone.aborted ? exitCodeOfSignal('SIGPIPE') : exitCode;
  } finally {
    terminal.clearStatus();
    interrupt.release();
  }
}

/** The context that the command runs in, and what came of it. */
class Run implements Shell {
  private readonly args: readonly string[];
  private readonly terminal: Terminal;
  private readonly signal: AbortSignal;
  private context: Context;
  private exitCode: ExitCode = EXIT.holds;

  constructor(args: readonly string[], terminal: Terminal, signal: AbortSignal) {
    this.args = args;
    this.terminal = terminal;
    this.signal = signal;
    // For what goes wrong before the command line has been understood.
    this.context = this.start(commandNamed(args[0]), args.includes('--json'), {});
  }

  async toEnd(): Promise<ExitCode> {
    try {
      const program = await buildProgram(this.args, packageVersion(), this);
      if (this.args.length === 0) program.outputHelp();
      else await program.parseAsync(this.args, { from: 'user' });
      return this.exitCode;
    } catch (error) {
      if (error instanceof CommanderError && error.exitCode === 0) return EXIT.holds;
      return this.context.fail(this.failure(error));
    }
  }

  start(
    command: string | null,
    json: boolean,
    repeatedWith: Readonly<Record<string, number>>,
  ): Context {
    const { args } = this;
    const given = commandLine(args);
    const again = commandLine(args, repeatedWith);
    const help = commandLine([...(command === null ? [] : [command]), '--help']);
    const invocation = { command, json, given, again, help };
    this.context = new Context(this.terminal, this.signal, invocation);
    return this.context;
  }

  end(exitCode: ExitCode): void {
    this.exitCode = exitCode;
  }

  show(text: string): void {
    this.terminal.print(text.replace(/\n$/, ''));
  }

  /** Commander's errors are about the command line. */
  private failure(error: unknown): CommandFailure {
    if (!(error instanceof CommanderError)) return failureOf(error);
    const code = error.code
      .replace(/^commander\./, '')
      .replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    return misuse(code, error.message.replace(/^error: /, '').replaceAll('\n', ' '));
  }
}
