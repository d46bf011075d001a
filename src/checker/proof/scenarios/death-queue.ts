/**
 * Threads that die while they queue heads, take them, run their callbacks or put them back: each
 * callback runs once all the same, or has run, or was never asked for.
 */
import { InvariantError } from '../../../core/base/errors.js';
import type { Word } from '../../../core/base/units.js';
import { at } from '../../../core/base/units.js';
import type { Thread } from '../../../core/mem/heap.js';
import { RCU_HEAD, THREAD } from '../../../core/mem/layout.js';
import { threadInside } from '../../../core/mem/lock.js';
import {
  type CallbackTable,
  HEAD_IDLE,
  REFUSED,
  serveQueue,
  settle,
} from '../../../core/rcu/callback.js';
import { advanceGrace } from '../../../core/rcu/grace-period.js';
import { leaveFor, putBackRest, repairQueues } from '../../../core/rcu/queue-repair.js';
import type { Operation } from '../../model/program.js';
import type { Finding, Scenario } from '../../model/scenario.js';
import type { Kit } from '../kit.js';
import { type Body, heapScenario, type World } from './actors.js';
import { headOf, queue } from './heads.js';

const VICTIM = 1;

/** Who runs a callback of a head that waits for nothing ran it twice, or too early. */
function settling(refuses: (thread: Thread) => boolean): CallbackTable {
  return [
    (thread, head): unknown => {
      if (refuses(thread)) return REFUSED;
      const waitsFor = at(head, RCU_HEAD.WAITS_FOR);
      if (thread.mem.peek(waitsFor) === HEAD_IDLE) {
        throw new InvariantError('R1', 'a callback runs for a head that is idle', waitsFor);
      }
      return settle(thread, head);
    },
  ];
}

/** What the dead thread was about, for `mustSee`. */
function whereOf({ mem, record, id }: Thread, queueOf: Thread): string {
  const said = (field: number): boolean => mem.peek(at(record, field)) !== 0;
  const isAt = threadInside(mem.load(at(queueOf.record, THREAD.QUEUE_LOCK))) === id;
  if (said(THREAD.PUSHING)) return 'died queueing';
  if (isAt) return said(THREAD.REST) ? 'died taking' : 'died at the queue';
  if (said(THREAD.RUNNING)) return 'died running';
  return said(THREAD.REST) ? 'died with a rest' : 'died elsewhere';
}

/** Kills a thread, and puts in order what it leaves of queues. */
function recoverQueues({ kill, see }: World, dead: Thread, queueOf: Thread): Operation {
  return () => {
    kill(dead.id);
    see(whereOf(dead, queueOf));
    const { mem, record } = dead;
    if (!repairQueues(dead)) return 'not recovered';
    const running = at(record, THREAD.RUNNING);
    const head = mem.peek(running) as Word | 0;
    // Of these callbacks settling is all there is to be undone or done.
    if (head !== 0 && mem.peek(head) === HEAD_IDLE) mem.poke(running, 0);
    putBackRest(dead);
    leaveFor(dead);
    return 'recovered';
  };
}

/** After everything was drained every head is idle: what was queued ran, once. */
function allIdle(kit: Kit, heads: number): (Finding | null)[] {
  return Array.from({ length: heads }, (_, index) => {
    const word = at(headOf(kit, index), RCU_HEAD.WAITS_FOR);
    if (kit.heap.mem.peek(word) === HEAD_IDLE) return null;
    return { rule: 'P6', detail: `head ${index} waits in no queue`, word };
  });
}

interface QueueDeath extends Pick<Body, 'name' | 'about' | 'mustSee'> {
  readonly heads: number;
  /** Whether a callback refuses where a thread runs it. */
  readonly refuses?: (thread: Thread) => boolean;
  readonly play: (world: World, table: CallbackTable) => readonly (readonly Operation[])[];
}

function queueDeath({ heads, refuses, play, ...facts }: QueueDeath): Scenario {
  const table = settling(refuses ?? (() => false));
  return heapScenario({
    ...facts,
    rules: ['R1', 'P6'],
    killed: [VICTIM],
    kit: { threads: 2, pages: 1, others: 1 },
    callbacks: () => table,
    play: (world) => ({
      threads: play(world, table),
      drained: () => allIdle(world.kit, heads),
    }),
  });
}

/** By setting up: queues heads, whose grace period is over then. */
function queueAll(thread: Thread, kit: Kit, heads: readonly number[]): void {
  for (const head of heads) queue(thread, kit, head)([]);
  for (let round = 0; round < 2; round++) advanceGrace(kit.heap);
}

const serve = (thread: Thread, owner: Thread, table: CallbackTable, max = 4): Operation => {
  return () => void serveQueue(thread, table, owner.id, max);
};

const queueing = queueDeath({
  name: 'die-vs-serve+queueing',
  about: 'A thread dies while it queues a head once more and another takes from its queue.',
  mustSee: ['died queueing', 'died elsewhere', 'recovered'],
  heads: 2,
  play: (world, table) => {
    const { kit } = world;
    const [survivor, victim] = world.threads as readonly [Thread, Thread];
    // Head 1 was on top of the queue before, when that was taken last.
    queueAll(victim, kit, [1]);
    for (let round = 0; round < 2; round++) serve(survivor, victim, table)([]);
    queueAll(victim, kit, [0]);
    return [
      [serve(survivor, victim, table)],
      [queue(victim, kit, 1)],
      [recoverQueues(world, victim, victim)],
    ];
  },
});

const running = queueDeath({
  name: 'die-vs-serve+running',
  about: 'A thread dies while it takes two heads of a queue and runs their callbacks.',
  mustSee: ['died taking', 'died at the queue', 'died running', 'died with a rest', 'recovered'],
  heads: 2,
  play: (world, table) => {
    const [survivor, victim] = world.threads as readonly [Thread, Thread];
    queueAll(victim, world.kit, [0, 1]);
    return [
      [serve(survivor, victim, table)],
      [serve(victim, victim, table)],
      [recoverQueues(world, victim, victim)],
    ];
  },
});

const refusing = queueDeath({
  name: 'die-vs-serve+refused',
  about: 'A thread dies while it puts back a head whose callback refused, and another takes it.',
  mustSee: ['died running', 'recovered'],
  heads: 1,
  refuses: ({ id }) => id === VICTIM,
  play: (world, table) => {
    const [survivor, victim] = world.threads as readonly [Thread, Thread];
    queueAll(victim, world.kit, [0]);
    return [
      [serve(survivor, victim, table)],
      [serve(victim, victim, table)],
      [recoverQueues(world, victim, victim)],
    ];
  },
});

export const QUEUE_DEATH_SCENARIOS: readonly Scenario[] = [queueing, running, refusing];
