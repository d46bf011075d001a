/** One command line, from its arguments to the exit code. */
import { readFileSync } from 'node:fs';
import { CommanderError } from 'commander';
import type { Mode } from '../../checker/model/run.js';
import { UsageError } from '../../core/base/errors.js';
import { check, compare, doctor, listScenarios, merge, replay } from '../commands.js';
import { demo } from '../demo/demo.js';
import { image } from '../image/image.js';
import { type ImportFlags, importAndPrint, importRequest } from '../import/import.js';
import { oracle } from '../oracle/oracle.js';
import { commandLine, selfCommand } from './again.js';
import { Context } from './context.js';
import { EXIT, type ExitCode, type Failure, failureOf, misuse } from './failure.js';
import { watchSignals } from './interrupt.js';
import {
  type Actions,
  buildProgram,
  type CheckFlags,
  type CommonFlags,
  type ImageFlags,
  type OracleFlags,
} from './program.js';
import { Terminal } from './terminal.js';
import { bundledForms, bundledTraces, findTrace, fitting, importedTraces } from './traces.js';

const COMMANDS = [
  'demo',
  'compare',
  'replay',
  'oracle',
  'import',
  'check',
  'merge',
  'image',
  'doctor',
] as const;

type CommandName = (typeof COMMANDS)[number];

/** Runs the command line; never throws. */
export async function main(args: readonly string[]): Promise<ExitCode> {
  const terminal = new Terminal(process.stdout, process.stderr, process.env);
  const interrupt = watchSignals();
  try {
    return await new Run(args, terminal, interrupt.signal).toEnd();
  } finally {
    terminal.clearStatus();
    interrupt.release();
  }
}

/** The actions of the commands, and the context that the one that was asked for runs in. */
class Run implements Actions {
  private readonly args: readonly string[];
  private readonly terminal: Terminal;
  private readonly signal: AbortSignal;
  private context: Context;
  private exitCode: ExitCode = EXIT.holds;

  constructor(args: readonly string[], terminal: Terminal, signal: AbortSignal) {
    this.args = args;
    this.terminal = terminal;
    this.signal = signal;
    const command = COMMANDS.find((name) => name === args[0]) ?? null;
    this.context = this.start(command, args.includes('--json') ? { json: true } : {});
  }

  async toEnd(): Promise<ExitCode> {
    const recordings = [...bundledTraces().map(({ name }) => name), ...importedTraces()];
    const program = buildProgram(this, { version: packageVersion(), recordings });
    try {
      if (this.args.length === 0) program.outputHelp();
      else await program.parseAsync(this.args, { from: 'user' });
      return this.exitCode;
    } catch (error) {
      if (error instanceof CommanderError && error.exitCode === 0) return EXIT.holds;
      return this.context.fail(this.failure(error));
    }
  }

  async compare(given: readonly string[], flags: Parameters<Actions['compare']>[1]): Promise<void> {
    const ours = fitting(bundledTraces(), flags.design ?? []);
    const traces = given.length > 0 ? [...new Set(given)].map(findTrace) : ours;
    const { design: designs = null, gp = null, html = null, perfetto = null } = flags;
    const { defer, seed, repeat, counts = false } = flags;
    const origin = { commandLine: commandLine(this.args), version: packageVersion() };
    const reports = { html, perfetto, origin };
    const request = { traces, designs, gpUs: gp, defer, seed, repeat, reports };
    const more = defer > 0 ? { '--seed': seed } : {};
    this.exitCode = await compare(request, this.start('compare', flags, more), counts);
  }

  async replay(given: string, flags: Parameters<Actions['replay']>[1]): Promise<void> {
    const { threads, design, sharing, seed } = flags;
    const { geometry = null, pages = null, gp = null, through = null } = flags;
    const { file, name } = findTrace(given);
    const readers = flags.readers ?? (threads > 1 ? 2 : 0);
    const how = { threads, readers, design, sharing, seed, through };
    const request = { file, ...how, geometry, pages, gpUs: gp };
    this.exitCode = await replay(request, name, this.start('replay', flags, { '--seed': seed }));
  }

  async oracle(given: readonly string[], flags: OracleFlags): Promise<void> {
    const ours = fitting(bundledForms(), flags.design === undefined ? [] : [flags.design]);
    const traces = given.length > 0 ? [...new Set(given)].map(findTrace) : ours;
    const request = { traces, design: flags.design ?? null };
    this.exitCode = await oracle(request, this.start('oracle', flags));
  }

  async import(file: string, flags: ImportFlags): Promise<void> {
    this.exitCode = await importAndPrint(importRequest(file, flags), this.start('import', flags));
  }

  async demo(flags: CommonFlags): Promise<void> {
    this.exitCode = await demo(this.start('demo', flags), selfCommand());
  }

  async check(scenarios: readonly string[], flags: CheckFlags): Promise<void> {
    const context = this.start('check', flags);
    if (flags.list === true) {
      this.exitCode = listScenarios(context);
      return;
    }
    const request = {
      scenarios: [...new Set(scenarios)],
      design: flags.design ?? null,
      schedule: flags.schedule ?? null,
      mode: modeOf(flags),
      stepsMax: flags.steps ?? null,
      mutants: flags.mutants,
      mutant: flags.mutant ?? null,
      large: flags.large === true,
      jobs: flags.jobs,
      shard: flags.shard ?? null,
    };
    this.exitCode = await check(request, context, flags.ktap === true);
  }

  async merge(files: readonly string[], flags: CommonFlags): Promise<void> {
    this.exitCode = await merge(files, this.start('merge', flags));
  }

  async image(file: string, { geometry, output, ...flags }: ImageFlags): Promise<void> {
    this.exitCode = await image({ file, geometry, prefix: output }, this.start('image', flags));
  }

  async doctor(flags: CommonFlags): Promise<void> {
    this.exitCode = await doctor(this.start('doctor', flags));
  }

  /** `more`: options that a repetition needs, whether they were given or not. */
  private start(
    command: CommandName | null,
    { json = false }: CommonFlags,
    more: Readonly<Record<string, number>> = {},
  ): Context {
    const again = commandLine(this.args, more);
    const help = commandLine([...(command === null ? [] : [command]), '--help']);
    this.context = new Context(this.terminal, this.signal, { command, json, again, help });
    return this.context;
  }

  /** Commander's errors are about the command line. */
  private failure(error: unknown): Failure {
    if (!(error instanceof CommanderError)) return failureOf(error);
    const code = error.code
      .replace(/^commander\./, '')
      .replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    return misuse(code, error.message.replace(/^error: /, '').replaceAll('\n', ' '));
  }
}

/** The mode of exploring that the flags ask for; more than one is refused. */
function modeOf(flags: CheckFlags): Mode {
  const { naive, preemptions, random, pct, depth, seed } = flags;
  const modes: Mode[] = [];
  if (naive === true) modes.push({ kind: 'naive' });
  if (preemptions !== undefined) modes.push({ kind: 'bounded', preemptions });
  if (random !== undefined) modes.push({ kind: 'random', seed, executions: random });
  if (pct !== undefined) modes.push({ kind: 'pct', seed, executions: pct, depth });
  if (modes.length <= 1) return modes[0] ?? { kind: 'exhaustive' };
  throw new UsageError('one-mode', 'of --naive, --preemptions, --random and --pct take one');
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
