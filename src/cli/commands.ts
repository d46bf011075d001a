/** What each command does, from its request to its exit code. */

import type { CheckDocument } from '../checker/check/document.js';
import type { CheckRequest } from '../checker/check/run.js';
import { CATALOGUE } from '../checker/proof/catalogue.js';
import type { CompareDocument } from '../lab/compare/compare.js';
import type { ReplayDocument } from '../lab/replay/replay.js';
import { checkFindings, checkTable, checkVerdict, ktap, mutantReport } from '../report/check.js';
import { traceBlock } from '../report/compare/block.js';
import { COUNTS_LEGEND, workForEachTable } from '../report/compare/counts.js';
import { compareVerdict, LEGEND } from '../report/compare/verdict.js';
import { replayReport, replayVerdict } from '../report/replay.js';
import { countOf, wrap } from '../report/text.js';
import { outputsOf } from './compare/files.js';
import { doctorReport, doctorVerdict } from './doctor/doctor.js';
import type { Context } from './shell/context.js';
import type { ExitCode } from './shell/failure.js';
import { type CompareRequest, type ReplayRequest, runJob } from './shell/job.js';

/** Longer lines of prose are hard to read, however wide the terminal. */
const PROSE_COLUMNS = 100;

/** Sentences in lines that fit the terminal. */
export function prose(context: Context, sentences: readonly string[]): string[] {
  const columns = Math.min(context.terminal.columns, PROSE_COLUMNS);
  return sentences.flatMap((sentence) => wrap(sentence, columns));
}

/**
 * Prints each trace's block when it is done, and then what figures mean. `keep` says where the
 * results so far go in the document of an interrupted command.
 */
export async function compareAndPrint(
  request: CompareRequest,
  context: Context,
  counts: boolean,
  keep: (soFar: CompareDocument) => object = (soFar) => soFar,
): Promise<CompareDocument> {
  const { terminal, signal } = context;
  const names = request.traces.map(({ name }) => name);
  const words = (count: number): string =>
    `compared ${count} of ${countOf(names.length, 'recording')}`;
  context.reached({}, words(0));
  let printed = 0;
  const document = await runJob('compare', request, {
    signal,
    onProgress: (progress) => context.progress(progress),
    onSoFar: (soFar) => {
      const name = names[printed] as string;
      const { columns, paint } = terminal;
      context.print(`${traceBlock(name, soFar, { columns, paint, counts })}\n`);
      printed++;
      context.reached(keep(soFar), words(printed));
    },
  });
  const legend = counts ? [...LEGEND, ...COUNTS_LEGEND] : LEGEND;
  for (const line of prose(context, legend)) context.print(terminal.paint('dim', line));
  context.print('');
  return document;
}

export async function replayAndPrint(
  request: ReplayRequest,
  name: string,
  context: Context,
  keep: (soFar: object) => object = (soFar) => soFar,
): Promise<ReplayDocument> {
  const { terminal, signal } = context;
  const document = await runJob('replay', request, {
    signal,
    onProgress: (progress) => {
      context.progress({ ...progress, what: `${name}  ${progress.what}` });
      context.reached(keep(progress.counts), `replayed ${progress.what} of ${name}`);
    },
  });
  context.print(`${replayReport(document, name, terminal.paint)}\n`);
  // A recording of the package has a name; where it lies differs from machine to machine.
  return { ...document, trace: { ...document.trace, file: name } };
}

export async function compare(
  request: CompareRequest,
  context: Context,
  counts: boolean,
): Promise<ExitCode> {
  const document = await compareAndPrint(request, context, counts);
  for (const { file } of outputsOf(request.reports)) context.terminal.note(`wrote ${file}`);
  const work = counts ? workForEachTable(document.rows) : [];
  return context.finish(document, prose(context, [...compareVerdict(document), ...work]));
}

export async function replay(
  request: ReplayRequest,
  name: string,
  context: Context,
): Promise<ExitCode> {
  const document = await replayAndPrint(request, name, context);
  return context.finish(document, prose(context, replayVerdict(document)));
}

/** Prints each row when it is there, then what failed in full; KTAP as a whole. */
export async function check(
  request: CheckRequest,
  context: Context,
  asKtap: boolean,
): Promise<ExitCode> {
  const { terminal, signal } = context;
  const show = (lines: readonly string[]): void => {
    if (!asKtap && lines.length > 0) context.print(lines.join('\n'));
  };
  let printed = 0;
  const document = await runJob('check', request, {
    signal,
    onProgress: (progress) => context.progress(progress),
    onSoFar: (soFar) => {
      const lines = checkTable(soFar, terminal.paint);
      show(lines.slice(printed));
      printed = lines.length;
      context.reached(soFar, `explored ${countOf(soFar.scenarios.length, 'scenario')}`);
    },
  });
  if (asKtap) {
    context.print(ktap(document));
    return context.finish(document, []);
  }
  if (request.mutant !== null) show(document.mutants.flatMap((row) => ['', ...mutantReport(row)]));
  return finishCheck(document, context);
}

/** What failed in full, and the verdict, below the table. */
function finishCheck(document: CheckDocument, context: Context): ExitCode {
  context.print([...checkFindings(document), ''].join('\n'));
  return context.finish(document, prose(context, checkVerdict(document)));
}

export async function merge(files: readonly string[], context: Context): Promise<ExitCode> {
  const { signal, terminal } = context;
  const document = await runJob('merge', files, { signal, onProgress: () => {} });
  context.print(checkTable(document, terminal.paint).join('\n'));
  return finishCheck(document, context);
}

/** All scenarios by name, with what each asks. */
export function listScenarios(context: Context): ExitCode {
  for (const { name, about, rules, large } of CATALOGUE) {
    const size = large === true ? '  (large)' : '';
    context.print(`${context.terminal.paint('bold', name)}${size}\n  ${about}  ${rules.join(' ')}`);
  }
  return 0;
}

export async function doctor(context: Context): Promise<ExitCode> {
  const { signal } = context;
  const document = await runJob('doctor', null, { signal, onProgress: () => {} });
  context.print(`${doctorReport(document)}\n`);
  return context.finish(document, [doctorVerdict(document)]);
}
