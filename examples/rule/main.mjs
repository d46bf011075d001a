/**
 * One rule of the core: explores every scenario that asks for it, and names what would break it.
 * The catalogue is `ptfrag/proof`, the checker is `ptfrag/model`.
 */
import { check, formatFailure } from 'ptfrag/model';
import { CATALOGUE, MUTANTS } from 'ptfrag/proof';

const [rule = 'L1'] = process.argv.slice(2);
const asking = CATALOGUE.filter(({ rules, design = 'common' }) => {
  return rules.includes(rule) && design === 'common';
});
if (asking.length === 0) {
  const rules = [...new Set(CATALOGUE.flatMap((scenario) => scenario.rules))];
  console.error(`no scenario asks for ${rule}; there are ${rules.join(' ')}`);
  process.exit(2);
}
for (const scenario of asking) {
  const { verdict, executions, failure } = check(scenario);
  console.log(`${verdict}  ${scenario.name}: ${executions} executions`);
  console.log(`       ${scenario.about}`);
  if (verdict !== 'holds') process.exitCode = 1;
  if (failure !== null) console.log(formatFailure(scenario, failure).join('\n'));
}
console.log(`\n${rule} would not hold if`);
for (const { rules, about, name, scenario } of MUTANTS) {
  const breaks = rules.includes(rule) && asking.some((each) => each.name === scenario);
  if (breaks) console.log(`  ${about}  (${name})`);
}
