/** A scenario that several threads explore, each a part: what becomes of it as a whole. */
import type { Failure } from '../model/interleaving.js';
import type { CheckAnswer } from './worker.js';

/**
 * The answer for a scenario of which there is one for each part. Where executions had no end, a
 * part has searched the states, and that is all of the scenario.
 */
export function joinParts(parts: readonly [CheckAnswer, ...CheckAnswer[]]): CheckAnswer {
  const whole = parts.find(({ complete, states }) => complete && states !== null);
  if (whole !== undefined) return whole;
  const failed = parts.find(({ failure }) => failure !== null);
  const cut = parts.find(({ complete }) => !complete);
  const seen = [...new Set(parts.flatMap(({ mustSee }) => mustSee.seen))].sort();
  const missing = parts[0].mustSee.missing.filter((what) => !seen.includes(what));
  const sum = (count: (part: CheckAnswer) => number): number =>
    parts.reduce((all, part) => all + count(part), 0);
  const isVacuous = failed === undefined && cut === undefined && missing.length > 0;
  return {
    // What was found, or what bounded it, is a part's.
    ...(failed ?? cut ?? parts[0]),
    executions: sum(({ executions }) => executions),
    redundant: sum(({ redundant }) => redundant),
    dismissed: sum(({ dismissed }) => dismissed),
    steps: sum(({ steps }) => steps),
    seconds: Math.max(...parts.map(({ seconds }) => seconds)),
    mustSee: { seen, missing },
    ...(isVacuous ? { verdict: 'violated', failure: vacuous(missing) } : {}),
  };
}

function vacuous(missing: readonly string[]): Failure {
  const nothing = { schedule: '', threads: [], steps: [], brokenAt: null };
  const detail = `never seen: ${missing.join(', ')}`;
  return { rule: 'vacuous', detail, thread: null, word: null, stack: null, ...nothing };
}
