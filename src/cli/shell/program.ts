/** The command line as a whole: its commands by name, and all of the one that is asked for. */
import { Command as Commander } from 'commander';
import { COMMANDS } from '../commands.js';
import { EXIT_CODES, type Shell } from './command.js';

const EXAMPLES = `Examples:
  ptfrag demo                          what this is about, in half a minute
  ptfrag compare                       designs on all recordings of the package
  ptfrag compare s390x/mix --json      one of them, as one JSON document
  ptfrag compare --html report.html    charts of pages over time, in one file
  ptfrag compare --defer 0.3 --counts  what deferred frees cost, and why
  ptfrag replay s390x/mix --threads 2  on real threads, all rules checked
  ptfrag oracle                        rules of Linux against what Linux did
  ptfrag check                         every interleaving of small scenarios`;

/** The command that these arguments name. Null: none. */
export function commandNamed(name: string | undefined): string | null {
  return COMMANDS.some(([each]) => each === name) ? (name as string) : null;
}

/** The program throws `CommanderError` for what it does not understand, for --help, --version. */
export async function buildProgram(
  args: readonly string[],
  version: string,
  shell: Shell,
): Promise<Commander> {
  const program = new Commander('ptfrag')
    .description(
      'Page tables smaller than a page share pages, and each is freed through RCU: only after ' +
        'every reader that may still look at it is done. ptfrag does this in shared memory, ' +
        'checks it, and compares it with what real Linux kernels did.',
    )
    .version(version)
    .usage('COMMAND [options]')
    // Errors are reported by the caller, as a line or as a document.
    .configureOutput({ writeOut: (text) => shell.show(text), outputError: () => {} })
    .exitOverride();
  for (const [name, about, load] of COMMANDS) {
    const commander = program.command(name).summary(about);
    // Which word is the command, commander decides: in `replay demo` both are loaded.
    if (args.includes(name)) (await load()).command(commander, shell);
  }
  return program.addHelpText('after', `\n${EXAMPLES}\n\n${EXIT_CODES}`);
}
