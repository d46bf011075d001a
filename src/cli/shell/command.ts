/** A command as its folder declares it, and how the shell takes it up. */
import type { Command as Commander } from 'commander';
import type { Context } from './context.js';
import type { ExitCode } from './failure.js';
import { type Argument, type Flags, toggle, type ValuesOf, valuesOf } from './flags.js';

export interface CommandParts<F extends Flags, Given> {
  readonly description: string;
  /** What stands on its command line without an option's name. Absent: nothing may. */
  readonly argument?: Argument<Given>;
  readonly flags: F;
  /** Below the options in its help. */
  readonly notes?: string;
  /** What its exit codes mean, where that differs from what they mean for the others. */
  readonly exitCodes?: string;
  /** Options that whoever repeats a run needs, though they were not given. */
  readonly repeatedWith?: (flags: ValuesOf<F>) => Readonly<Record<string, number>>;
  readonly run: (context: Context, flags: ValuesOf<F>, given: Given) => Promise<ExitCode>;
}

/** What the shell does when commander has understood a command line. */
export interface Shell {
  /** The context for the command of that name, which begins. */
  start(command: string, json: boolean, repeatedWith: Readonly<Record<string, number>>): Context;
  end(exitCode: ExitCode): void;
  /** A help, or the version, with its last newline. */
  show(text: string): void;
}

/** What a command's folder exports: puts its description, argument and flags on `commander`. */
export type Command = (commander: Commander, shell: Shell) => void;

/** The exit codes that all commands have. */
export const EXIT_CODES_OF_ALL = '70 a mistake in ptfrag; 130 interrupted, or 128 + signal.';

/** In the help of commands that find out whether something holds. */
export const EXIT_CODES: string = `
Exit codes: 0 holds; 1 violated; 2 the command line or a file is wrong; 3 a
bound was reached; ${EXIT_CODES_OF_ALL}`.trimStart();

const JSON_FLAG = toggle('--json', 'print one JSON document; all else goes to stderr');

/** A command of these parts, and --json, which all have. */
export function defineCommand<F extends Flags, Given = undefined>(
  parts: CommandParts<F, Given>,
): Command {
  const { description, argument, flags, repeatedWith, notes, exitCodes = EXIT_CODES } = parts;
  return (commander, shell) => {
    commander.description(description);
    if (argument !== undefined) commander.addArgument(argument.argument);
    for (const { option } of Object.values(flags)) commander.addOption(option);
    commander.addOption(JSON_FLAG.option);
    const after = notes === undefined ? [exitCodes] : [notes, exitCodes];
    commander.addHelpText('after', `\n${after.join('\n\n')}`);
    commander.action(async () => {
      const values = valuesOf(flags, commander.opts());
      const { json } = valuesOf({ json: JSON_FLAG }, commander.opts());
      const context = shell.start(commander.name(), json, repeatedWith?.(values) ?? {});
      shell.end(await parts.run(context, values, commander.processedArgs[0] as Given));
    });
  };
}
