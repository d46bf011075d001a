/** All mutants. A test holds each against its scenario; see mutant.ts. */
import type { Mutant } from '../model/mutant.js';
import { BROKEN_OFF_MUTANTS } from './mutants/broken-off.js';
import { BYSTANDER_MUTANTS } from './mutants/bystander.js';
import { CLAIM_MUTANTS } from './mutants/claims.js';
import { DAMAGED_MUTANTS } from './mutants/damaged.js';
import { DEATH_MUTANTS } from './mutants/death.js';
import { FRAG_DEATH_MUTANTS } from './mutants/death-frag.js';
import { FRAG_MUTANTS } from './mutants/frag.js';
import { MEM_MUTANTS } from './mutants/mem.js';
import { OBTAIN_MUTANTS } from './mutants/obtain.js';
import { PAGE_MUTANTS } from './mutants/page.js';
import { POISON_MUTANTS } from './mutants/poison.js';
import { RCU_MUTANTS } from './mutants/rcu.js';
import { RECORD_MUTANTS } from './mutants/records.js';
import { SPLIT_MUTANTS } from './mutants/split.js';
import { TREE_MUTANTS } from './mutants/tree.js';
import { VARIANT_MUTANTS } from './mutants/variants.js';

/** Every mutant, each with the scenario that must find it. */
export const MUTANTS: readonly Mutant[] = [
  ...MEM_MUTANTS,
  ...RCU_MUTANTS,
  ...BROKEN_OFF_MUTANTS,
  ...OBTAIN_MUTANTS,
  ...BYSTANDER_MUTANTS,
  ...CLAIM_MUTANTS,
  ...FRAG_MUTANTS,
  ...PAGE_MUTANTS,
  ...POISON_MUTANTS,
  ...RECORD_MUTANTS,
  ...TREE_MUTANTS,
  ...SPLIT_MUTANTS,
  ...VARIANT_MUTANTS,
  ...DAMAGED_MUTANTS,
  ...DEATH_MUTANTS,
  ...FRAG_DEATH_MUTANTS,
];
