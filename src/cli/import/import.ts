/** `ptfrag import`: a recorder's text turned into a recording that compare and replay read. */
import { UsageError } from '../../core/base/errors.js';
import { GEOMETRIES } from '../../core/pgtable/geometry.js';
import { type ImportDocument, STDIN } from '../../lab/import/document.js';
import { RECORDERS } from '../../lab/import/recorders.js';
import { countOf, formatCount, formatSeconds } from '../../report/text.js';
import { commandLine } from '../shell/again.js';
import { type Command, defineCommand, EXIT_CODES_OF_ALL } from '../shell/command.js';
import type { Context } from '../shell/context.js';
import type { ExitCode } from '../shell/failure.js';
import { choice, fraction, oneOrMore, text } from '../shell/flags.js';
import { runJob } from '../shell/job.js';
import { withOutputs } from '../shell/output-file.js';
import type { OpenOutput } from '../shell/output-stream.js';
import type { ImportRequest, work } from './work.js';

const NOTES = `FILE is the text of: perf trace -F all, perf script of page faults, strace -f,
or ftrace; plain or gzipped, or - for stdin. docs/import.md has the commands
that record them.`;

const EXIT_CODES = `Exit codes: 0 imported; 2 usage or input error, or too many lines that no
parser places; 3 imported, but a warning says why the trace can't be trusted;
${EXIT_CODES_OF_ALL}
Nothing is left behind but a whole trace.`;

export const command: Command = defineCommand({
  description:
    'Turns what a recorder, like perf or strace, wrote about a program into a recording that ' +
    'compare and replay read. Page faults and mapping calls tell which page tables the program ' +
    'had.',
  argument: oneOrMore('FILE', "a recorder's text; - is stdin; several are those of strace -ff"),
  flags: {
    output: text(
      '-o, --output <file>',
      'the recording to write (default: FILE, ending in .ptf.gz; needed for stdin)',
    ),
    geometry: choice('--geometry <name>', 'layout of page tables', Object.keys(GEOMETRIES)).or(
      's390',
    ),
    recorder: choice(
      '--from <format>',
      'the recorder (default: as the first lines look)',
      RECORDERS.map(({ name }) => name),
    ),
    touch: choice(
      '--touch <part>',
      'pages of a mapping that count as used, with strace, which has no faults',
      ['first', 'all'],
    ).or('all'),
    tolerate: fraction('--tolerate <percent>', 'percentage of lines that may be unclear', {
      most: 100,
      what: 'percentage',
    }).or(1),
  },
  notes: NOTES,
  exitCodes: EXIT_CODES,
  run: async (context, flags, files) => {
    const output = { option: '--output', file: flags.output ?? outputFor(files) };
    const inputs = files.map((file) => (file === STDIN ? '/dev/stdin' : file));
    const document = await withOutputs([output], inputs, ([opened], openScratch) => {
      const places = { output: opened as OpenOutput, scratch: openScratch() };
      return importIn(context, { ...flags, files, ...places });
    });
    return show(document, context);
  },
});

function importIn(context: Context, request: ImportRequest): Promise<ImportDocument> {
  const input = nameOf(request.files);
  return runJob<typeof work>('import', request, {
    signal: context.signal,
    onProgress: (progress) => {
      context.progress({ ...progress, what: `${input}  ${progress.what}` });
      context.reached({}, `read ${progress.what} of ${input}; nothing was written`);
    },
  });
}

function show(document: ImportDocument, context: Context): ExitCode {
  const { output, unplaced, warnings } = document;
  for (const { file, line, text } of unplaced) {
    context.terminal.note(`${file}:${line}: not placed: ${text}`);
  }
  for (const line of report(document)) context.print(line);
  for (const { message } of warnings) context.print(`warning: ${message}`);
  const next = `next: ${commandLine(['compare', output.file])}`;
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

function verdict({ ok, output, records, seconds }: ImportDocument): string {
  const made = `${countOf(records, 'record')} in ${output.file}`;
  const size = `(${formatCount(output.bytes)} bytes), in ${formatSeconds(seconds)}`;
  if (ok) return `holds: ${made} ${size}.`;
  return `inconclusive: ${made} ${size}; a warning says why they can't be trusted.`;
}

function nameOf(files: readonly string[]): string {
  const [file = '', ...others] = files;
  return others.length > 0 ? `${file} and ${formatCount(others.length)} more` : file;
}

/** `gcc.txt.gz` becomes `gcc.ptf.gz`, and so do `gcc.101` and `gcc.102` together. */
function outputFor([file = '']: readonly string[]): string {
  if (file === STDIN) throw new UsageError('no-output', 'stdin has no name: say -o FILE');
  return `${file.replace(/\.gz$/, '').replace(/\.\w+$/, '')}.ptf.gz`;
}
