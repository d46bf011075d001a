/** `ptfrag check`: every interleaving of small scenarios, and the mutants that must be caught. */
import { availableParallelism } from 'node:os';
import { InvalidArgumentError } from 'commander';
import type { Shard } from '../../checker/check/document.js';
import type { Mode } from '../../checker/model/mode.js';
import { UsageError } from '../../core/base/errors.js';
import { CORES } from '../../core/variants/core.js';
import { type Command, defineCommand } from '../shell/command.js';
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

const JOBS_MAX = 64;
const designs = CORES.map(({ name }) => name);
const jobsMost = Math.min(JOBS_MAX, availableParallelism());

/** How much of a scenario is explored; without one of these, all. */
const MODES = {
  states: toggle('--states', 'run each state once, instead of each order'),
  naive: toggle('--naive', 'run every order, also those that come to the same'),
  preemptions: counted('--preemptions <n>', 'only orders with at most so many preemptions', 0),
  random: counted('--random <n>', 'only so many orders, at random'),
  pct: counted('--pct <n>', 'only so many orders, by PCT (random priorities)'),
  depth: counted('--depth <n>', 'depth of the mistakes that --pct looks for (default: 3)'),
  seed: whole('--seed <n>', 'random seed of --random and --pct (default: 1)', [0, 2 ** 32 - 1]),
};

/** Options of how much is explored. One schedule, or one mutant, is explored in one way only. */
const HOW_MUCH = ['states', 'naive', 'preemptions', 'random', 'pct', 'steps', 'large'] as const;

export const command: Command = defineCommand({
  description:
    'Runs the code that ships in every order that its threads can take, in small scenarios: two ' +
    'or three threads that meet in one page, list, lock or grace period. Of orders that come to ' +
    'the same, one is run. Then each mutant, a copy of the code with one safeguard taken out, ' +
    'must be caught by its scenario.',
  argument: anyNumber('SCENARIO', 'names of scenarios (default: all but the large ones)'),
  flags: {
    list: toggle('--list', 'list scenarios and mutants, and what each asks').without(
      ...['schedule', 'mutant', 'states', 'naive', 'preemptions', 'random', 'pct', 'depth', 'seed'],
      ...['steps', 'jobs', 'shard', 'ktap'],
    ),
    schedule: text('--schedule <s>', 'run one schedule of one scenario, and show it').without(
      ...HOW_MUCH,
      'shard',
    ),
    design: choice('--design <name>', 'only scenarios of this design (default: of all)', designs),
    mutants: toggle('--no-mutants', 'leave out the mutants'),
    mutant: text('--mutant <name>', 'only this mutant, and show how it is caught').without(
      ...HOW_MUCH,
      ...['mutants', 'design'],
    ),
    large: toggle('--large', 'explore the large scenarios too'),
    ...MODES,
    stepsMax: counted('--steps <n>', 'give up a scenario after so many steps'),
    jobs: whole('--jobs <n>', 'threads that explore', [1, JOBS_MAX]).or(jobsMost),
    shard: parsed('--shard <i/n>', 'only part i of n; merge joins the parts', parseShard),
    asKtap: toggle('--ktap', 'print the result as KTAP, for CI').without('json'),
  },
  run: async (context, { list, asKtap, ...flags }, given) => {
    const { checkAndPrint, listAll } = await import('./show.js');
    const { design, schedule, stepsMax, mutants, mutant, large, jobs, shard } = flags;
    const scenarios = [...new Set(given)];
    if (list) return listAll({ scenarios, design, mutants, mutant, large: true }, context);
    const what = { scenarios, design, schedule, mode: modeOf(flags), stepsMax };
    return checkAndPrint({ ...what, mutants, mutant, large, jobs, shard }, context, asKtap);
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

/** The mode of exploring that the flags ask for; more than one, or what it has not, is refused. */
function modeOf({
  states,
  naive,
  preemptions,
  random,
  pct,
  ...given
}: ValuesOf<typeof MODES>): Mode {
  const { depth, seed } = given;
  const [isDeep, isSeeded] = [pct !== null, random !== null || pct !== null];
  if (depth !== null && !isDeep) throw new UsageError('no-mode', '--depth is for --pct only');
  if (seed !== null && !isSeeded) {
    throw new UsageError('no-mode', '--seed is for --random and --pct only');
  }
  const modes: Mode[] = [];
  const chance = { seed: seed ?? 1 };
  if (states) modes.push({ kind: 'states' });
  if (naive) modes.push({ kind: 'naive' });
  if (preemptions !== null) modes.push({ kind: 'bounded', preemptions });
  if (random !== null) modes.push({ kind: 'random', ...chance, executions: random });
  if (pct !== null) modes.push({ kind: 'pct', ...chance, executions: pct, depth: depth ?? 3 });
  if (modes.length <= 1) return modes[0] ?? { kind: 'exhaustive' };
  throw new UsageError(
    'one-mode',
    'of --states, --naive, --preemptions, --random and --pct take one',
  );
}
