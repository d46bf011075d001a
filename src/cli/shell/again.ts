/** The command line that does the same again, ready to be pasted. */
import { basename, relative } from 'node:path';
import { quote } from '../../report/shell-words.js';

/** How this program was started: by name where it is installed, else as a file. */
export function selfCommand(): string {
  const started = process.argv[1] ?? 'ptfrag';
  if (basename(started) !== 'ptfrag') return `node ${quote(relative(process.cwd(), started))}`;
  return /node_modules[\\/]\.bin/.test(started) ? 'npx ptfrag' : 'ptfrag';
}

/** The same arguments, without --json (a person pastes this), with those in `more` if missing. */
export function commandLine(
  args: readonly string[],
  more: Readonly<Record<string, string | number>> = {},
): string {
  const kept = args.filter((arg) => arg !== '--json');
  for (const [option, value] of Object.entries(more)) {
    const given = kept.some((arg) => arg === option || arg.startsWith(`${option}=`));
    if (!given) kept.push(option, String(value));
  }
  return [selfCommand(), ...kept.map(quote)].join(' ');
}
