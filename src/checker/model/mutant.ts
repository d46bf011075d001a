/**
 * A mutant: one safeguard taken out of the built code, by a named patch, to see that the scenario
 * named with it notices. The core itself holds no switches.
 *
 * `find` is text of the built module that must occur in it exactly once; a patch that no longer
 * applies is a failure, for then nobody knows whether its safeguard is still needed.
 */
import { InvariantError } from '../../core/base/errors.js';
import { refusal } from '../../core/base/shown.js';
import type { Scenario } from './scenario.js';

/** A change to one module that takes a safeguard out, and what must fail then. */
export interface Mutant {
  readonly name: string;
  /** What is taken out or changed. */
  readonly about: string;
  /** The rules that the safeguard serves. */
  readonly rules: readonly string[];
  /** The built module, relative to the folder of the build. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Name of the scenario that must fail. */
  readonly scenario: Scenario['name'];
}

/**
 * The text of the mutant's module with its patch. Throws `InvariantError` where the text to replace
 * is not there just once.
 *
 * It touches no file, so whatever loads modules can use it: a copy on disk, or the transform of a
 * bundler that builds a checker with one mutant in it for a browser.
 */
export function applyMutant({ name, file, find, replace }: Mutant, text: string): string {
  if (typeof text !== 'string') {
    throw refusal('bad-mutant', 'text', text, "it is the text of the mutant's module");
  }
  const parts = text.split(find);
  if (parts.length === 2) return parts.join(replace);
  const found = `its text occurs ${parts.length - 1} times in ${file}, not once`;
  throw new InvariantError('mutant', `${name} does not apply: ${found}`);
}
