/** `ptfrag import`: its options, its request, and its result for people. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { GEOMETRIES } from '../../core/pgtable/geometry.js';
import { FORMATS, type Format } from '../../lab/import/formats.js';
import type { ImportDocument } from '../../lab/import/importer.js';
import { countOf, formatCount, formatSeconds } from '../../report/text.js';
import { commandLine } from '../shell/again.js';
import type { Context } from '../shell/context.js';
import type { ExitCode } from '../shell/failure.js';
import { type ImportRequest, runJob } from '../shell/job.js';

export interface ImportFlags {
  readonly json?: boolean;
  readonly output?: string;
  readonly geometry: string;
  readonly from?: Format;
  readonly touch: 'first' | 'all';
  readonly tolerate: number;
}

/** Its action, as the program knows it. */
interface ImportAction {
  import(file: string, flags: ImportFlags): Promise<void>;
}

const HELP = `
FILE is the text of: perf trace -F all, perf script of page faults, strace -f,
or ftrace; plain or gzipped. docs/import.md has the commands that record them.

Exit codes: 0 imported; 2 usage or input error, or too many lines that no
parser places; 130 interrupted. Nothing is left behind but a whole trace.`;

export function addImport(program: Command, actions: ImportAction): void {
  program
    .command('import')
    .summary("a trace out of any program's recording")
    .description(
      'Derives from faults and mapping calls which page tables a program had, for one geometry, ' +
        'and writes a trace that compare and replay read.',
    )
    .argument('<FILE>', "a recorder's text")
    .option('-o, --output <file>', 'the trace (default: FILE, its ending replaced by .ptf.gz)')
    .addOption(
      new Option('--geometry <name>', 'whose tables')
        .choices(Object.keys(GEOMETRIES))
        .default('s390'),
    )
    .addOption(new Option('--from <format>', 'default: by the first lines').choices(FORMATS))
    .addOption(
      new Option('--touch <part>', 'strace has no faults: what a mapping uses at once')
        .choices(['first', 'all'])
        .default('all'),
    )
    .addOption(
      new Option('--tolerate <percent>', 'of lines that may be unplaced')
        .default(1)
        .argParser(parsePercent),
    )
    .option('--json', 'one JSON document on stdout; all else goes to stderr')
    .addHelpText('after', HELP)
    .action((file: string, flags: ImportFlags) => actions.import(file, flags));
}

export function importRequest(file: string, flags: ImportFlags): ImportRequest {
  const { geometry, from = null, touch, tolerate } = flags;
  const output = flags.output ?? outputFor(file);
  return { file, output, geometry, format: from, touch, tolerate };
}

export async function importAndPrint(request: ImportRequest, context: Context): Promise<ExitCode> {
  const document = await runJob('import', request, {
    signal: context.signal,
    onProgress: (progress) => {
      context.progress({ ...progress, what: `${request.file}  ${progress.what}` });
      context.reached({}, `read ${progress.what} of ${request.file}; nothing was written`);
    },
  });
  for (const { line, text } of document.unplaced) {
    context.terminal.note(`${request.file}:${line}: not placed: ${text}`);
  }
  for (const line of report(document)) context.print(line);
  const next = `next: ${commandLine(['compare', request.output])}`;
  return context.finish(document, [verdict(document), next]);
}

function report({ input, geometry, spanBytes, ...document }: ImportDocument): string[] {
  const { lines, faults, touch, mms, allocs, frees, peak } = document;
  const rows = [
    ['input', `${input.format}, ${countOf(lines.total, 'line')}, ${placed(lines)}`],
    ['faults', faults === 'recorded' ? countOf(document.faultLines, 'line') : `assumed: ${touch}`],
    ['geometry', `${geometry}, a PTE table maps ${formatCount(spanBytes / 1024)} KiB`],
    ['mms', formatCount(mms)],
    ['PTE tables', counted(allocs.pte, frees.pte, peak.pte)],
  ];
  if (allocs.pmd > 0) rows.push(['PMD tables', counted(allocs.pmd, frees.pmd, peak.pmd)]);
  return [...rows.map(([name, text]) => `${name?.padEnd(12)}${text}`), ''];
}

function counted(allocs: number, frees: number, peak: number): string {
  return `${countOf(allocs, 'alloc')}, ${countOf(frees, 'free')}, peak ${formatCount(peak)}`;
}

/** What is not as it should be, in words. */
function placed(lines: ImportDocument['lines']): string {
  const oddities = [
    [lines.unplaced, 'unplaced'],
    [lines.lost, 'of lost events'],
    [lines.backwards, 'before the one before'],
    [lines.late, 'of tasks that were gone'],
  ] as const;
  const said = oddities.flatMap(([n, what]) => (n > 0 ? [`${formatCount(n)} ${what}`] : []));
  return said.length === 0 ? 'all placed' : said.join(', ');
}

function verdict({ output, records, seconds }: ImportDocument): string {
  const made = `${countOf(records, 'record')} in ${output.file}`;
  return `holds: ${made} (${formatCount(output.bytes)} bytes), in ${formatSeconds(seconds)}.`;
}

/** `gcc.txt.gz` becomes `gcc.ptf.gz`. */
function outputFor(file: string): string {
  return `${file.replace(/\.gz$/, '').replace(/\.\w+$/, '')}.ptf.gz`;
}

function parsePercent(text: string): number {
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value <= 100) return value;
  throw new InvalidArgumentError('Expected a percentage from 0 to 100.');
}
