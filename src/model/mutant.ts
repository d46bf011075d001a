/**
 * A mutant: one safeguard taken out of the built code, by a named patch, to see that the scenario
 * named with it notices. The core itself holds no switches.
 *
 * `find` is text of the built module that must occur in it exactly once; a patch that no longer
 * applies is a failure, for then nobody knows whether its safeguard is still needed.
 */
import type { Scenario } from './scenario.js';

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
