/**
 * `npm run mutants`: changes the built core in every way that the operators know, one at a time,
 * and explores the scenarios that run the changed place. A mutant with which none of them fails has
 * survived: the scenarios ask too little, or the change makes no difference.
 *
 *   --shard i/n       every n-th mutant, from the i-th
 *   --jobs n          how many threads explore
 *   --steps n         how many steps a mutant may take before it counts as one that survived
 *   --results FILE    where results are kept, and found again: mutants.jsonl
 *   --only TEXT       mutants of which the text is in "operator file:line"
 *   --survivors       mutants that were not found when they were run last, in whatever build
 *   --tests           runs the tests of its room on each mutant that no scenario finds
 *   --list            runs nothing: prints what the results file says
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { coreModules, markOfBuild } from './mutants/build.mjs';
import { whyEquivalent } from './mutants/equivalent.mjs';
import { mutantsOf, OPERATORS } from './mutants/operators.mjs';
import { Lines, printReport } from './mutants/report.mjs';
import { changeOf, keyOf, Results } from './mutants/results.mjs';
import { recordCoverage, runMutants, runTests } from './mutants/run.mjs';
import { SCENARIOS } from './mutants/unrun.mjs';
import { isOutside } from './proof/uncovered.mjs';

const { values: options } = parseArgs({
  options: {
    shard: { type: 'string', default: '1/1' },
    jobs: { type: 'string', default: `${availableParallelism()}` },
    steps: { type: 'string', default: '1000000' },
    results: { type: 'string', default: 'mutants.jsonl' },
    only: { type: 'string', default: '' },
    survivors: { type: 'boolean', default: false },
    tests: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});

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

const modules = coreModules();
const lines = new Lines(modules);
const results = new Results(options.results, markOfBuild());
const [index, count] = options.shard.split('/').map(Number);
const mutants = allOf(modules, results)
  .filter((_, at) => at % count === index - 1)
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
