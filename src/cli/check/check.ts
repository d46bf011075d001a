/** `ptfrag check`: every interleaving of small scenarios, and the mutants that must be caught. */
import { availableParallelism } from 'node:os';
import { InvalidArgumentError } from 'commander';
import type { CheckDocument, MutantRow, ScenarioRow, Shard } from '../../checker/check/document.js';
import type { CheckRequest } from '../../checker/check/run.js';
import type { Mode } from '../../checker/model/run.js';
import { CATALOGUE } from '../../checker/proof/catalogue.js';
import { UsageError } from '../../core/base/errors.js';
import { CORES } from '../../core/variants/core.js';
import { checkTable, ktap, mutantReport } from '../../report/check.js';
import type { Paint } from '../../report/paint.js';
import { countOf } from '../../report/text.js';
import { type Command, defineCommand } from '../shell/command.js';
import type { Context } from '../shell/context.js';
import { EXIT } from '../shell/failure.js';
import {
  anyNumber,
  choice,
  type Flag,
  parsed,
  text,
  toggle,
  type ValuesOf,
  whole,
} from '../shell/flags.js';
import { runJob } from '../shell/job.js';
import { finishCheck } from './finish.js';
import type { work } from './work.js';

const JOBS_MAX = 64;
const designs = CORES.map(({ name }) => name);
const jobsMost = Math.min(JOBS_MAX, availableParallelism());

/** How much of a scenario is explored; without one of these, all. */
const MODES = {
  naive: toggle('--naive', 'run every order, also those that come to the same'),
  preemptions: counted('--preemptions <n>', 'only orders with at most so many preemptions', 0),
  random: counted('--random <n>', 'only so many orders, at random'),
  pct: counted('--pct <n>', 'only so many orders, by PCT (random priorities)'),
  depth: counted('--depth <n>', 'depth of the mistakes that --pct looks for').or(3),
  seed: whole('--seed <n>', 'random seed of --random and --pct', [0, 2 ** 32 - 1]).or(1),
};

export const command: Command = defineCommand({
  description:
    'Runs the code that ships in every order that its threads can take, in small scenarios: two ' +
    'or three threads that meet in one page, list, lock or grace period. Of orders that come to ' +
    'the same, one is run. Then each mutant, a copy of the code with one safeguard taken out, ' +
    'must be caught by its scenario.',
  argument: anyNumber('SCENARIO', 'names of scenarios (default: all but the large ones)'),
  flags: {
    list: toggle('--list', 'list all scenarios, and what each asks'),
    schedule: text('--schedule <s>', 'run one schedule of one scenario, and show it'),
    design: choice('--design <name>', 'only scenarios of this design (default: of all)', designs),
    mutants: toggle('--no-mutants', 'leave out the mutants'),
    mutant: text('--mutant <name>', 'only this mutant, and show how it is caught'),
    large: toggle('--large', 'explore the large scenarios too'),
    ...MODES,
    stepsMax: counted('--steps <n>', 'give up a scenario after so many steps'),
    jobs: whole('--jobs <n>', 'threads that explore', [1, JOBS_MAX]).or(jobsMost),
    shard: parsed('--shard <i/n>', 'only part i of n; merge joins the parts', parseShard),
    asKtap: toggle('--ktap', 'print the result as KTAP, for CI'),
  },
  run: async (context, { list, asKtap, ...flags }, given) => {
    if (list) return listScenarios(context);
    const { design, schedule, stepsMax, mutants, mutant, large, jobs, shard } = flags;
    const scenarios = [...new Set(given)];
    const what = { scenarios, design, schedule, mode: modeOf(flags), stepsMax };
    const request = { ...what, mutants, mutant, large, jobs, shard };
    const document = await checkAndPrint(request, context, asKtap);
    if (asKtap) {
      context.print(ktap(document));
      return context.finish(document, []);
    }
    for (const row of mutant === null ? [] : document.mutants) {
      context.print(['', ...mutantReport(row)].join('\n'));
    }
    return finishCheck(document, context);
  },
});

function counted(spelling: string, about: string, least = 1): Flag<number | null> {
  return whole(spelling, about, [least, 2 ** 31]);
}

function parseShard(given: string): Shard {
  const [, i = 0, n = 0] = /^(\d{1,6})\/(\d{1,6})$/.exec(given) ?? [];
  const [index, count] = [Number(i), Number(n)];
  if (index >= 1 && index <= count) return { index, count };
  throw new InvalidArgumentError('Expected i/n, for example 1/4.');
}

/** The mode of exploring that the flags ask for; more than one is refused. */
function modeOf({ naive, preemptions, random, pct, depth, seed }: ValuesOf<typeof MODES>): Mode {
  const modes: Mode[] = [];
  if (naive) modes.push({ kind: 'naive' });
  if (preemptions !== null) modes.push({ kind: 'bounded', preemptions });
  if (random !== null) modes.push({ kind: 'random', seed, executions: random });
  if (pct !== null) modes.push({ kind: 'pct', seed, executions: pct, depth });
  if (modes.length <= 1) return modes[0] ?? { kind: 'exhaustive' };
  throw new UsageError('one-mode', 'of --naive, --preemptions, --random and --pct take one');
}

/** All scenarios by name, with what each asks. */
function listScenarios(context: Context): typeof EXIT.holds {
  for (const { name, about, rules, large } of CATALOGUE) {
    const size = large === true ? '  (large)' : '';
    context.print(`${context.terminal.paint('bold', name)}${size}\n  ${about}  ${rules.join(' ')}`);
  }
  return EXIT.holds;
}

/** Prints each row when it is there; KTAP has them all at once, at the end. */
function checkAndPrint(
  request: CheckRequest,
  context: Context,
  asKtap: boolean,
): Promise<CheckDocument> {
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
