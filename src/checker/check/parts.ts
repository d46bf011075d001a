/** A scenario that several threads explore, each a part: what becomes of it as a whole. */
import { vacuous } from '../model/check.js';
import type { CheckAnswer } from './worker.js';

/**
 * The answer for a scenario of which there is one for each part. Where executions had no end, a
 * part has searched the states, and that is all of the scenario.
 */
export function joinParts(answers: readonly CheckAnswer[]): CheckAnswer {
  const whole = answers.find(({ complete, states }) => complete && states !== null);
  const parts = whole === undefined ? answers : [whole];
  const first = parts[0] as CheckAnswer;
  const failed = parts.find(({ failure }) => failure !== null);
  const cut = parts.find(({ complete }) => !complete);
  const seen = [...new Set(parts.flatMap(({ mustSee }) => mustSee.seen))].sort();
  const missing = first.mustSee.missing.filter((what) => !seen.includes(what));
  const sum = (count: (part: CheckAnswer) => number): number =>
    parts.reduce((all, part) => all + count(part), 0);
  const isVacuous = failed === undefined && cut === undefined && missing.length > 0;
  return {
    // What was found, or what bounded it, is a part's.
    ...(failed ?? cut ?? first),
    executions: sum(({ executions }) => executions),
    redundant: sum(({ redundant }) => redundant),
    dismissed: sum(({ dismissed }) => dismissed),
    steps: sum(({ steps }) => steps),
    seconds: Math.max(...parts.map(({ seconds }) => seconds)),
    mustSee: { seen, missing },
    ...(isVacuous ? { verdict: 'violated', failure: vacuous(missing) } : {}),
  };
}
