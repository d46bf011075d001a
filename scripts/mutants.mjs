/**
 * `npm run mutants`: changes the built core in every way that the operators know, one at a time,
 * and explores the scenarios that run the changed place. A mutant with which none of them fails has
 * survived: the scenarios ask too little, or the change makes no difference.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { markOfBuild } from '../dist/checker/check/plant.js';
import { coreModules } from './mutants/build.mjs';
import { whyEquivalent } from './mutants/equivalent.mjs';
import { mutantsOf, OPERATORS } from './mutants/operators.mjs';
import { Lines, printReport } from './mutants/report.mjs';
import { changeOf, keyOf, Results } from './mutants/results.mjs';
import { recordCoverage, runMutants, runTests } from './mutants/run.mjs';
import { SCENARIOS } from './mutants/unrun.mjs';
import { isOutside } from './proof/uncovered.mjs';

const OPTIONS = `
  --shard i/n       every n-th mutant, from the i-th
  --jobs n          how many threads explore
  --steps n         how many steps a mutant may take before it counts as one that survived
  --results FILE    where results are kept, and found again: mutants.jsonl
  --only TEXT       mutants of which the text is in "operator file:line"
  --survivors       mutants that were not found when they were run last, in whatever build
  --tests           runs the tests of its room on each mutant that no scenario finds, and that
                    should make a difference
  --list            runs nothing: prints what the results file says
`;

function readOptions() {
  const { values } = parseArgs({
    options: {
      shard: { type: 'string', default: '1/1' },
      jobs: { type: 'string', default: `${availableParallelism()}` },
      steps: { type: 'string', default: '1000000' },
      results: { type: 'string', default: 'mutants.jsonl' },
      only: { type: 'string', default: '' },
      survivors: { type: 'boolean', default: false },
      tests: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const [index, count, ...more] = values.shard.split('/').map(Number);
  const isShard = more.length === 0 && isCount(index) && isCount(count) && index <= count;
  if (!isShard) throw new Error(`--shard ${values.shard}: expected i/n`);
  for (const name of ['jobs', 'steps']) {
    if (!isCount(Number(values[name]))) throw new Error(`--${name} ${values[name]}: expected n`);
  }
  return { ...values, index, count };
}

const isCount = (value) => Number.isSafeInteger(value) && value > 0;

/** The options, or null where they are only asked for, or wrong: then that was said. */
function optionsOrNull() {
  try {
    const options = readOptions();
    if (!options.help) return options;
    console.log(OPTIONS.slice(1, -1));
  } catch (error) {
    console.error(`mutants: ${error.message}\n${OPTIONS}`);
    process.exitCode = 2;
  }
  return null;
}

/** What is most dangerous first, what should make no difference last. */
const RANKS = Object.keys(OPERATORS);
const rankOf = (mutant) =>
  RANKS.indexOf(mutant.operator) + (whyEquivalent(mutant) === null ? 0 : RANKS.length);

function allOf(modules, { build }) {
  return [...modules]
    .filter(([file]) => !isOutside(file))
    .flatMap(([file, text]) =>
      mutantsOf(text).map((mutant) => {
        const change = changeOf({ ...mutant, file }, text);
        const was = text.slice(mutant.start, mutant.end);
        return { ...mutant, file, text: was, change, key: keyOf(build, change) };
      }),
    );
}

async function run(options) {
  const modules = coreModules();
  const lines = new Lines(modules);
  const results = new Results(options.results, markOfBuild());
  const mutants = allOf(modules, results)
    .filter((_, at) => at % options.count === options.index - 1)
    .filter((mutant) => `${mutant.operator} ${lines.placeOf(mutant)}`.includes(options.only))
    .filter(({ change }) => !options.survivors || results.before.get(change)?.end !== 'killed')
    .sort((one, other) => rankOf(one) - rankOf(other));

  if (!options.list) {
    const [stepsMax, jobs] = [Number(options.steps), Number(options.jobs)];
    const placeOf = (mutant) => lines.placeOf(mutant);
    await recordCoverage(SCENARIOS, results);
    await runMutants(mutants, { modules, results, stepsMax, jobs, placeOf });
    if (options.tests) await runTests(mutants, { modules, results, placeOf });
  }
  printReport(mutants, results, lines);
}

const options = optionsOrNull();
if (options !== null) await run(options);
