/**
 * Fields by their names: one that is misspelt would be passed over, and a scenario would hold
 * because it was asked nothing.
 */
import { UsageError } from '../../core/base/errors.js';
import { nearest } from '../../core/base/nearest.js';
import { shown } from '../../core/base/shown.js';
import type { CheckOptions } from './check.js';
import type { Mode } from './mode.js';
import type { Scenario, Setup } from './scenario.js';

/** All fields of a type; the compiler misses none of them here. */
type Fields<Whole> = Readonly<Record<keyof Required<Whole>, true>>;

export const SCENARIO_FIELDS: Fields<Scenario> = {
  name: true,
  design: true,
  about: true,
  rules: true,
  words: true,
  ghostWords: true,
  threads: true,
  spawned: true,
  killed: true,
  earlyReturns: true,
  waitsOrder: true,
  mustSee: true,
  setup: true,
  large: true,
};

export const SETUP_FIELDS: Fields<Setup> = {
  threads: true,
  forEver: true,
  threadNames: true,
  onReturn: true,
  always: true,
  atEnd: true,
  nameWord: true,
  showValue: true,
  brokenWord: true,
};

export const OPTIONS: Fields<CheckOptions> = {
  mode: true,
  stepsMax: true,
  part: true,
  starvation: true,
  keepSchedule: true,
  signal: true,
  onProgress: true,
};

type FieldsOf<Kind> = Fields<Extract<Mode, { readonly kind: Kind }>>;

export const MODE_FIELDS: { readonly [Kind in Mode['kind']]: FieldsOf<Kind> } = {
  exhaustive: { kind: true },
  states: { kind: true },
  naive: { kind: true },
  bounded: { kind: true, preemptions: true },
  random: { kind: true, seed: true, executions: true },
  pct: { kind: true, seed: true, executions: true, depth: true },
};

/** Refuses an object with a field that is none of these. `where` is whose field it is. */
export function requireKnown(
  code: string,
  where: string,
  given: object,
  fields: Readonly<Record<string, true>>,
): void {
  const names = Object.keys(fields);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const near = nearest(unknown, names).join(', ');
  throw new UsageError(code, `${where} has no ${shown(unknown)}; near it: ${near}`);
}
