/**
 * A check for people: rows as they come, and how it ends. Apart from the command, because the
 * scenarios and the checker are loaded with it, which the command's help does without.
 */
import type { CheckDocument, MutantRow, ScenarioRow } from '../../checker/check/document.js';
import { type CheckChoice, type CheckRequest, choose } from '../../checker/check/run.js';
import type { Mutant } from '../../checker/model/mutant.js';
import type { Scenario } from '../../checker/model/scenario.js';
import { designOf } from '../../checker/proof/catalogue.js';
import { checkFindings, checkTable, checkVerdict, ktap, mutantReport } from '../../report/check.js';
import type { Paint } from '../../report/paint.js';
import { countOf } from '../../report/text.js';
import type { Context } from '../shell/context.js';
import type { ExitCode } from '../shell/failure.js';
import { runJob } from '../shell/job.js';
import { withScratchFolder } from '../shell/scratch-folder.js';
import type { work } from './work.js';

/** Scenarios and mutants by name, with what each asks. */
export function listAll(choice: CheckChoice, context: Context): ExitCode {
  const { scenarios, mutants } = choose(choice);
  const { paint } = context.terminal;
  const ofScenario = ({ name, about, rules, large }: Scenario): string => {
    return `${paint('bold', name)}${large ? '  (large)' : ''}\n  ${about}  ${rules.join(' ')}`;
  };
  const ofMutant = ({ name, about, rules, scenario }: Mutant): string => {
    return `${paint('bold', name)}\n  ${about}  ${rules.join(' ')}  ${scenario}`;
  };
  const lists = [scenarios.map(ofScenario), mutants.map(ofMutant)];
  const document = {
    scenarios: scenarios.map((scenario) => {
      const { name, about, rules, large = false } = scenario;
      return { name, design: designOf(scenario), about, rules, large };
    }),
    mutants: mutants.map(({ name, about, rules, scenario }) => ({ name, about, rules, scenario })),
  };
  const text = lists.filter((lines) => lines.length > 0).map((lines) => lines.join('\n'));
  return context.answer({ command: 'check', ...document }, text.join('\n\n'));
}

/** Explores, prints, and ends: rows when they are there, or all at once as KTAP. */
export async function checkAndPrint(
  asked: Omit<CheckRequest, 'copies'>,
  context: Context,
  asKtap: boolean,
): Promise<ExitCode> {
  const document = await withScratchFolder((copies) =>
    explore({ ...asked, copies }, context, asKtap),
  );
  if (asKtap) {
    context.print(ktap(document));
    return context.finish(document, []);
  }
  for (const row of asked.mutant === null ? [] : document.mutants) {
    context.print(['', ...mutantReport(row, context.terminal.columns)].join('\n'));
  }
  return finish(document, context);
}

/** A check that is over, put together from its shards. */
export function showMerged(document: CheckDocument, context: Context): ExitCode {
  context.print(checkTable(document, context.terminal.paint).join('\n'));
  return finish(document, context);
}

function explore(request: CheckRequest, context: Context, asKtap: boolean): Promise<CheckDocument> {
  const scenarios: ScenarioRow[] = [];
  const mutants: MutantRow[] = [];
  return runJob<typeof work>('check', request, {
    signal: context.signal,
    onProgress: (progress) => context.progress(progress),
    onPart: (part) => {
      const lines = newLines(part, { scenarios, mutants }, context.terminal.paint);
      if (!asKtap && lines.length > 0) context.print(lines.join('\n'));
      scenarios.push(...part.scenarios);
      mutants.push(...part.mutants);
      const words = `explored ${countOf(scenarios.length, 'scenario')}`;
      context.reached({ ...part, scenarios, mutants }, words);
    },
  });
}

type Rows = Pick<CheckDocument, 'scenarios' | 'mutants'>;

/** A row below those before it: only the first of its kind has a heading. */
function newLines(part: CheckDocument, before: Rows, paint: Paint): string[] {
  const [heading, ...lines] = checkTable(part, paint);
  if (heading === undefined) return [];
  const kind = part.scenarios.length > 0 ? 'scenarios' : 'mutants';
  if (before[kind].length > 0) return lines;
  const gap = kind === 'mutants' && before.scenarios.length > 0 ? [''] : [];
  return [...gap, heading, ...lines];
}

/** What failed in full, and the verdict, below the table. */
function finish(document: CheckDocument, context: Context): ExitCode {
  context.print([...checkFindings(document, context.terminal.columns), ''].join('\n'));
  return context.finish(document, context.prose(checkVerdict(document)));
}
