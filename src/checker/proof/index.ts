/**
 * What the checker is asked about the core: every scenario, every mutant, and what each operation
 * of each core costs.
 */

export { CORES, type Core } from '../../core/variants/core.js';
export { CATALOGUE, scenarioNamed } from './catalogue.js';
export { type Cost, costOf, SITUATIONS, type Situation } from './cost.js';
export { MUTANTS } from './mutants.js';
