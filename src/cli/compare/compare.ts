/** `ptfrag compare`: designs side by side on recordings of real kernels. */
import { UsageError } from '../../core/base/errors.js';
import type { CompareDocument } from '../../lab/compare/compare.js';
import type { savingsOf } from '../../lab/compare/saved.js';
import { traceBlock } from '../../report/compare/block.js';
import { COUNTS_LEGEND, workForEachTable } from '../../report/compare/counts.js';
import { compareLegend } from '../../report/compare/legend.js';
import { compareVerdict } from '../../report/compare/verdict.js';
import { countOf } from '../../report/text.js';
import { type Command, defineCommand } from '../shell/command.js';
import type { Context } from '../shell/context.js';
import { anyNumber, fraction, text, texts, toggle, whole } from '../shell/flags.js';
import { runJob } from '../shell/job.js';
import { withOutputs } from '../shell/output-file.js';
import type { Output } from '../shell/output-stream.js';
import { packageVersion } from '../shell/package.js';
import { bundledTraces, traceNotes, tracesAsked } from '../shell/traces.js';
import type { CompareRequest, work } from './work.js';

/** Where none is given. */
const SEED = 1;

export const command: Command = defineCommand({
  description:
    'Takes recordings of what real kernels did with their page tables, does the same under ' +
    'several designs, and counts the pages that each design needs. The verdict is about our own ' +
    'design, common: it holds if common needs at most 1 % more pages than the kernel did, and ' +
    "than the kernel's rule does with simulated grace periods.",
  argument: anyNumber('TRACE', 'recordings (default: all of the package that fit the designs)'),
  flags: {
    gpUs: whole('--gp <us>', 'microseconds in a grace period (default: as recorded)', [1, 1e9]),
    designs: texts(
      '--design <name>',
      'a design to set beside common; may be repeated (default: all that fit)',
    ),
    against: text(
      '--against <name>',
      'the design that savings are measured against (default: the newest rule of each ' +
        "recording's Linux)",
    ),
    html: text('--html <file>', 'write a report with charts, for a browser'),
    perfetto: text('--perfetto <file>', 'write a trace for ui.perfetto.dev; gzipped if named *.gz'),
    defer: fraction(
      '--defer <share>',
      'free this share of the tables by pte_free_defer(): 0 to 1',
      {
        most: 1,
        what: 'number',
      },
    ).or(0),
    seed: whole('--seed <n>', `random seed: which tables --defer takes (default: ${SEED})`, [
      0,
      2 ** 32 - 1,
    ]),
    repeat: whole(
      '--repeat <k>',
      'lay so many copies of each recording over each other',
      [1, 1e6],
    ).or(1),
    counts: toggle('--counts', 'show waits, callbacks, locks and atomic operations too'),
  },
  notes: traceNotes(),
  repeatedWith: ({ defer, seed }) => (defer > 0 ? { '--seed': seed ?? SEED } : {}),
  run: async (context, { html, perfetto, counts, seed, ...asked }, given) => {
    if (seed !== null && asked.defer === 0) {
      throw new UsageError('no-defer', '--seed is for --defer only');
    }
    const { fitting } = await import('../shell/fitting.js');
    const { designs, against } = asked;
    const named = [...(designs ?? []), ...(against === null ? [] : [against])];
    const traces = tracesAsked(given, fitting(bundledTraces(), named));
    const origin = { commandLine: context.commandLine, version: packageVersion() };
    const files = outputsOf({ '--html': html, '--perfetto': perfetto });
    const inputs = traces.map(({ file }) => file);
    const document = await withOutputs(files, inputs, (outputs) => {
      const request = { ...asked, seed: seed ?? SEED, traces, reports: { outputs, origin } };
      return compareAndPrint(request, context, { counts });
    });
    for (const { file } of files) context.terminal.note(`wrote ${file}`);
    const perTable = counts ? workForEachTable(document.rows) : [];
    return context.finish(document, context.prose([...compareVerdict(document), ...perTable]));
  },
});

/** Of options and what was given for them; null: nothing. */
function outputsOf(given: Readonly<Record<string, string | null>>): Output[] {
  return Object.entries(given).flatMap(([option, file]) => (file === null ? [] : { option, file }));
}

interface CompareShow {
  /** With the second table. */
  readonly counts?: boolean;
  /** Where the results so far go in the document of an interrupted command. */
  readonly keep?: (soFar: CompareDocument) => object;
}

/** Prints each trace's block when it is done, and then what figures mean. */
export async function compareAndPrint(
  request: CompareRequest,
  context: Context,
  { counts = false, keep = (soFar): object => soFar }: CompareShow,
): Promise<CompareDocument> {
  const { terminal, signal } = context;
  const all = countOf(request.traces.length, 'recording');
  // Not before it is needed: the command's help is loaded quickly.
  const { savingsOf } = await import('../../lab/compare/saved.js');
  const parts: CompareDocument[] = [];
  context.reached({}, `compared 0 of ${all}`);
  const document = await runJob<typeof work>('compare', request, {
    signal,
    onProgress: (progress) => context.progress(progress),
    onPart: (part) => {
      const { columns, paint } = terminal;
      context.print(`${traceBlock(part, { columns, paint, counts })}\n`);
      parts.push(part);
      context.reached(keep(together(parts, savingsOf)), `compared ${parts.length} of ${all}`);
    },
  });
  const legend = [...compareLegend(document), ...(counts ? COUNTS_LEGEND : [])];
  for (const line of context.prose(legend)) context.print(terminal.paint('dim', line));
  context.print('');
  return document;
}

/** Of documents of one recording each, one of them all. */
function together(parts: readonly CompareDocument[], savings: typeof savingsOf): CompareDocument {
  const rows = parts.flatMap((part) => part.rows);
  const references = parts.flatMap((part) => part.references);
  return {
    ...(parts[0] as CompareDocument),
    rows,
    references,
    savings: savings(rows, references),
    failed: parts.flatMap(({ failed }) => failed),
    violations: parts.flatMap(({ violations }) => violations),
  };
}
