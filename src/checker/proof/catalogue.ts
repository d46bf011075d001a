/** All scenarios, by name: those of the core made for it, and for each of its variants. */
import { UsageError } from '../../core/base/errors.js';
import { nearest } from '../../core/base/nearest.js';
import { shown } from '../../core/base/shown.js';
import { COMMON, CORES, type Core } from '../../core/variants/core.js';
import type { Scenario } from '../model/scenario.js';
import { ANY_ORDER_SCENARIOS } from './scenarios/any-order.js';
import { BROKEN_OFF_SCENARIOS } from './scenarios/broken-off.js';
import { BYSTANDER_SCENARIOS } from './scenarios/bystander.js';
import { CLAIM_SCENARIOS } from './scenarios/claims.js';
import { DAMAGED_SCENARIOS } from './scenarios/damaged.js';
import { DEATH_SCENARIOS } from './scenarios/death.js';
import { FRAG_DEATH_SCENARIOS } from './scenarios/death-frag.js';
import { MM_DEATH_SCENARIOS } from './scenarios/death-mm.js';
import { QUEUE_DEATH_SCENARIOS } from './scenarios/death-queue.js';
import { SPACE_DEATH_SCENARIOS } from './scenarios/death-space.js';
import { TREE_DEATH_SCENARIOS } from './scenarios/death-tree.js';
import { EXIT_SCENARIOS } from './scenarios/exit.js';
import { FAULT_SCENARIOS } from './scenarios/fault.js';
import { FORK_SCENARIOS } from './scenarios/fork.js';
import { FRAG_SCENARIOS } from './scenarios/frag.js';
import { GRACE_SCENARIOS } from './scenarios/grace.js';
import { GROW_SCENARIOS } from './scenarios/grow.js';
import { LOCK_SCENARIOS, SUPPLY_SCENARIOS } from './scenarios/lock.js';
import { MM_SCENARIOS } from './scenarios/mm.js';
import { OBTAIN_SCENARIOS } from './scenarios/obtain.js';
import { CALLBACK_SCENARIOS } from './scenarios/page-callback.js';
import { POISON_SCENARIOS } from './scenarios/poison.js';
import { RCU_SCENARIOS } from './scenarios/rcu.js';
import { READER_SCENARIOS } from './scenarios/reader.js';
import { RECORD_SCENARIOS } from './scenarios/records.js';
import { REFUSAL_SCENARIOS } from './scenarios/refusals.js';
import { REFUSED_SCENARIOS } from './scenarios/refused.js';
import { REUSE_HEAP_SCENARIOS, REUSE_SCENARIOS } from './scenarios/reuse.js';
import { SPLIT_SCENARIOS } from './scenarios/split.js';
import { STALL_SCENARIOS } from './scenarios/stall.js';
import { TLB_SCENARIOS } from './scenarios/tlb.js';
import { WALK_SCENARIOS } from './scenarios/walk.js';
import { WORD_SCENARIOS } from './scenarios/words.js';

const CORE_SCENARIOS = [
  ...READER_SCENARIOS,
  ...FRAG_SCENARIOS,
  ...CALLBACK_SCENARIOS,
  ...EXIT_SCENARIOS,
  ...MM_SCENARIOS,
  ...REUSE_SCENARIOS,
  ...ANY_ORDER_SCENARIOS,
];

/** What a variant's scenarios have in front of their names: the variant's letter. */
function prefixOf(core: Core): string {
  return core === COMMON ? '' : `${core.name.slice('common-'.length)}/`;
}

/** Of a variant alone too large to be explored in a short run. */
const LARGE = ['A/alloc-vs-free-vs-callback+one-page'];

function scenariosOf(core: Core): Scenario[] {
  const fitting = CORE_SCENARIOS.filter(({ perPage }) => perPage <= core.perPageMax);
  const prefix = prefixOf(core);
  return fitting
    .map(({ make }) => make(core))
    .map((scenario) => ({ ...scenario, name: prefix + scenario.name }))
    .map((scenario) => ({ ...scenario, large: scenario.large || LARGE.includes(scenario.name) }));
}

const ALL: readonly Scenario[] = [
  ...LOCK_SCENARIOS,
  ...SUPPLY_SCENARIOS,
  ...GRACE_SCENARIOS,
  ...BROKEN_OFF_SCENARIOS,
  ...RCU_SCENARIOS,
  ...BYSTANDER_SCENARIOS,
  ...REFUSED_SCENARIOS,
  ...CORES.flatMap(scenariosOf),
  ...POISON_SCENARIOS,
  ...WALK_SCENARIOS,
  ...REUSE_HEAP_SCENARIOS,
  ...TLB_SCENARIOS,
  ...STALL_SCENARIOS,
  ...OBTAIN_SCENARIOS,
  ...FAULT_SCENARIOS,
  ...FORK_SCENARIOS,
  ...SPLIT_SCENARIOS,
  ...WORD_SCENARIOS,
  ...GROW_SCENARIOS,
  ...REFUSAL_SCENARIOS,
  ...RECORD_SCENARIOS,
  ...DAMAGED_SCENARIOS,
  ...DEATH_SCENARIOS,
  ...CLAIM_SCENARIOS,
  ...SPACE_DEATH_SCENARIOS,
  ...QUEUE_DEATH_SCENARIOS,
  ...MM_DEATH_SCENARIOS,
  ...FRAG_DEATH_SCENARIOS,
  ...TREE_DEATH_SCENARIOS,
];

/**
 * Every scenario that this project asks. The core also runs where a thread may not sleep, so it
 * relies on no wait to order anything.
 */
export const CATALOGUE: readonly Scenario[] = ALL.map((scenario) => ({
  ...scenario,
  waitsOrder: false,
}));

/** The core that a scenario is about; what is not about one is about them all. */
export function designOf({ design }: Scenario): string {
  return design ?? COMMON.name;
}

/**
 * The scenario of that name, where a design is given made for that one. Throws `UsageError` with
 * the names nearest to another.
 */
export function scenarioNamed(name: string, design: string = COMMON.name): Scenario {
  const core = CORES.find((each) => each.name === design);
  if (typeof name !== 'string') {
    throw new UsageError('no-such-scenario', `a scenario has a name; ${shown(name)} is none`);
  }
  const whole = core === undefined ? name : prefixOf(core) + name;
  const found = CATALOGUE.find((scenario) => scenario.name === whole);
  if (found !== undefined) return found;
  throw new UsageError('no-such-scenario', noneNamed('scenario', whole, CATALOGUE));
}

/** The message for the name of no scenario, or no mutant: the names nearest to it. */
export function noneNamed(
  what: 'scenario' | 'mutant',
  name: string,
  all: readonly { readonly name: string }[],
): string {
  const names = nearest(
    name,
    all.map((each) => each.name),
  ).join(', ');
  return `there is no ${what} "${name}"; near it: ${names}; check --list names all`;
}
