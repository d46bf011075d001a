/** The ways to explore a scenario, as users name them. */
import { UsageError } from '../../core/base/errors.js';
import { shown } from '../../core/base/shown.js';
import { MODE_FIELDS, requireKnown } from './known.js';

/**
 * How to explore. All but `exhaustive`, `states` and `naive` are bounded, and say so. `exhaustive`
 * is by reduction, and where that takes long or a loop has no end, by states: see search.ts.
 */
export type Mode =
  | { readonly kind: 'exhaustive' }
  | { readonly kind: 'states' }
  | { readonly kind: 'naive' }
  | { readonly kind: 'bounded'; readonly preemptions: number }
  | { readonly kind: 'random'; readonly seed: number; readonly executions: number }
  | {
      readonly kind: 'pct';
      readonly seed: number;
      readonly executions: number;
      readonly depth: number;
    };

/** Throws `UsageError` for a mode that would explore nothing, or is none. */
export function requireMode(mode: Mode): void {
  const refuse = (what: string): never => {
    throw new UsageError('bad-mode', `${textOf(mode)} is no mode: ${what}`);
  };
  const whole = (value: unknown, least: number, name: string): void => {
    if (!Number.isInteger(value) || Number(value) < least) {
      refuse(`${name} is a whole number from ${least}`);
    }
  };
  const kinds = Object.keys(MODE_FIELDS);
  const oneOf = `its kind is one of ${kinds.join(', ')}`;
  if (typeof mode !== 'object' || mode === null) refuse(oneOf);
  if (!kinds.includes(mode.kind)) refuse(oneOf);
  requireKnown('bad-mode', `mode ${mode.kind}`, mode, MODE_FIELDS[mode.kind]);
  if (mode.kind === 'bounded') whole(mode.preemptions, 0, 'preemptions');
  if (mode.kind === 'pct') whole(mode.depth, 1, 'depth');
  if (mode.kind !== 'random' && mode.kind !== 'pct') return;
  whole(mode.executions, 1, 'executions');
  whole(mode.seed, 0, 'seed');
}

/** A bigint has no text in JSON. */
function textOf(mode: Mode): string {
  const text = JSON.stringify(mode, (_, value: unknown) =>
    typeof value === 'bigint' ? shown(value) : value,
  );
  return text ?? shown(mode);
}
