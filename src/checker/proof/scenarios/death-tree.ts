/**
 * Threads that die in page tables: another thread maps, unmaps or walks meanwhile, a third recovers
 * what the dead one left, and the tree is whole: no table is lost, and no page that was not meant.
 */
import { recoverThread } from '../../../core/frag/recover.js';
import type { Thread } from '../../../core/mem/heap.js';
import { tableRecovery } from '../../../core/pgtable/unmake.js';
import type { Operation } from '../../model/program.js';
import type { Scenario } from '../../model/scenario.js';
import { MODEL_FORMAT } from './forms.js';
import {
  collapses,
  maps,
  type TreeBody,
  type TreeWorld,
  treeScenario,
  unmaps,
  walks,
} from './tree.js';

const VICTIM = 1;
const TABLES = tableRecovery(() => MODEL_FORMAT);

interface TreeDeath extends Omit<TreeBody, 'rules' | 'threads' | 'play'> {
  readonly survives: (tree: TreeWorld) => readonly Operation[];
  readonly dies: (tree: TreeWorld, victim: Thread) => readonly Operation[];
}

function treeDeath({ survives, dies, ...facts }: TreeDeath): Scenario {
  return treeScenario({
    ...facts,
    rules: ['P6', 'T1', 'T3', 'T4'],
    threads: 2,
    killed: [VICTIM],
    others: 1,
    lockWaits: { lookMs: 1 },
    play: (tree) => {
      const victim = tree.world.threads[VICTIM] as Thread;
      const recover: Operation = () => {
        tree.world.kill(VICTIM);
        return recoverThread(victim, TABLES) ? 'recovered' : 'not recovered';
      };
      return [survives(tree), dies(tree, victim), [recover]];
    },
  });
}

const linking = (name: string, large: boolean): Scenario =>
  treeDeath({
    name,
    about: 'A thread dies while it links a table for its page, and another looks, or needs it too.',
    mustSee: large ? ['recovered', 'map: done'] : ['recovered', 'walk: 16', 'walk: nothing'],
    large,
    mapped: [],
    pages: 4,
    survives: ({ space }) => [large ? maps(space, 1, 17) : walks(space, 0, [16, -1])],
    dies: ({ by }, victim) => [maps(by(victim), 0, 16)],
  });

const unlinking = (name: string, large: boolean): Scenario =>
  treeDeath({
    name,
    about: 'A thread dies while it takes out a table, and another walks there, or maps a page.',
    mustSee: large ? ['recovered', 'map: done'] : ['recovered', 'walk: 16', 'walk: nothing'],
    large,
    mapped: [0],
    pages: 4,
    survives: ({ space }) => [large ? maps(space, 1, 17) : walks(space, 0, [16, -1])],
    dies: ({ by }, victim) => [unmaps(by(victim), 0)],
  });

const collapsing = treeDeath({
  name: 'walk-vs-die+collapse',
  about: 'A thread dies while it makes a table a large frame: a walk finds the page all the time.',
  mustSee: ['recovered', 'walk: 16', 'walk: 32'],
  mapped: [0],
  survives: ({ space }) => [walks(space, 0, [16, 32])],
  dies: ({ by }, victim) => [collapses(by(victim), 0, 32)],
});

export const TREE_DEATH_SCENARIOS: readonly Scenario[] = [
  linking('walk-vs-die+link', false),
  linking('die-vs-map+link', true),
  unlinking('walk-vs-die+unlink', false),
  unlinking('die-vs-map+unlink', true),
  collapsing,
];
