/**
 * Who recovers what: several who have learned of one death, one that dies of it, and a thread that
 * attaches with the record as soon as it is free. What a recovery does is left out here: it ends a
 * section and frees the record.
 */
import type { ThreadId, Word } from '../../../core/base/units.js';
import { at } from '../../../core/base/units.js';
import { type Heap, type Thread, threadRecord } from '../../../core/mem/heap.js';
import { THREAD } from '../../../core/mem/layout.js';
import { attachThread, detachThread } from '../../../core/rcu/attach.js';
import { leaveFor } from '../../../core/rcu/queue-repair.js';
import { recoverWorker } from '../../../core/rcu/recoverer.js';
import type { Operation } from '../../model/program.js';
import type { Finding, Scenario, Stage } from '../../model/scenario.js';
import { type KitOptions, type KitScenario, kitScenario } from '../kit.js';
import { orRefused } from './actors.js';

const VICTIM = 1;

/** Recovers a JavaScript thread; says what came of it. */
function recovers(by: Thread, worker: number, recover: (dead: Thread) => boolean): Operation {
  return () => {
    const { recovered, left } = recoverWorker(by, worker, recover);
    return left === null ? `recovered ${recovered.join(' ') || 'none'}` : `left ${left}`;
  };
}

function frees(dead: Thread): boolean {
  leaveFor(dead);
  return true;
}

const isInTheWay = (): boolean => false;

/** Kills threads, then recovers the last of them. */
function recoversKilled(stage: Stage, by: Thread, ...dead: readonly number[]): Operation {
  return () => {
    for (const each of dead) stage.kill(each);
    return recovers(by, dead.at(-1) as number, frees)([]);
  };
}

function attachedOf({ mem, threadsAt }: Heap, id: number): { word: Word; value: number } {
  const word = at(threadRecord({ threadsAt } as Heap, id as ThreadId), THREAD.ATTACHED);
  return { word, value: mem.load(word) };
}

/** A record that nobody has any more, and that nobody could attach with, is lost. */
function lost(heap: Heap, id: number): Finding[] {
  const { word, value } = attachedOf(heap, id);
  if (value === 0) return [];
  return [{ rule: 'R7', detail: `the record of thread ${id} is not free`, word }];
}

type Claims = Pick<KitScenario, 'name' | 'about' | 'mustSee' | 'killed' | 'threads' | 'atEnd'>;

function claims(
  threads: number,
  { others = 0, spareThreads = 0 }: Pick<KitOptions, 'others' | 'spareThreads'>,
  body: Claims,
): Scenario {
  const kit = { threads, others, spareThreads, pages: 1 };
  return kitScenario({
    ...body,
    kit,
    rules: ['R7'],
    threads: (made, stage) => body.threads(made, stage).map((all) => all.map(saying(stage))),
  });
}

/** What an operation returns is what it saw. */
function saying({ see }: Stage): (operation: Operation) => Operation {
  return (operation) => (results) => {
    const said = operation(results);
    if (typeof said === 'string') see(said);
    return said;
  };
}

/** Each thread that attaches enters its record's section: a recoverer must not end it. */
const nextThread = claims(
  3,
  { others: 1 },
  {
    name: 'recover-vs-recover+attach',
    about:
      'Two recover one dead thread, and another attaches with its record as soon as it is free.',
    mustSee: ['recovered 1', 'recovered none', 'attach: done', 'attach: no room'],
    killed: [VICTIM],
    threads: ({ heap, threads, lockWaits }, stage) => {
      const [one, victim, two] = threads as [Thread, Thread, Thread];
      const attach = (): void => void attachThread(heap, 'epoch', lockWaits);
      return [
        [recoversKilled(stage, one, VICTIM)],
        [(): void => detachThread(victim)],
        [recoversKilled(stage, two, VICTIM)],
        [orRefused('attach', attach)],
      ];
    },
    atEnd: ({ heap }, results) => {
      const isOnce = results.flat().filter((each) => each === 'recovered 1').length < 2;
      const { word, value } = attachedOf(heap, VICTIM);
      const isTheirs = results.flat().includes('attach: done') ? value !== 0 : value === 0;
      if (isOnce && isTheirs) return [];
      const what = isOnce ? `ATTACHED is ${value}` : 'it was recovered twice';
      return [{ rule: 'R7', detail: `of thread ${VICTIM}: ${what}`, word }];
    },
  },
);

const inTheWay = claims(
  3,
  {},
  {
    name: 'recover-vs-recover+given-up',
    about:
      'One gives up a recovery, for somebody is in the way: another does it, or it does so later.',
    mustSee: ['left 1', 'recovered 1', 'recovered none'],
    killed: [VICTIM],
    threads: ({ threads }, stage) => {
      const [one, , two] = threads as [Thread, Thread, Thread];
      const kill = (): void => stage.kill(VICTIM);
      return [
        [kill, recovers(one, VICTIM, isInTheWay), recovers(one, VICTIM, frees)],
        [],
        [recoversKilled(stage, two, VICTIM)],
      ];
    },
    atEnd: ({ heap }) => lost(heap, VICTIM),
  },
);

const FIRST = 2;
const SECOND = 3;

const dies = claims(
  3,
  {},
  {
    name: 'die-vs-recover+claimed',
    about: 'A thread that recovers another one dies, and whoever recovers it recovers both.',
    mustSee: ['recovered 2', 'recovered none', 'recovered 1'],
    killed: [VICTIM, FIRST],
    threads: ({ threads }, stage) => {
      const [last, , first] = threads as [Thread, Thread, Thread];
      return [
        [recoversKilled(stage, last, FIRST), recoversKilled(stage, last, VICTIM)],
        [],
        [recoversKilled(stage, first, VICTIM)],
      ];
    },
    atEnd: ({ heap }) => [...lost(heap, VICTIM), ...lost(heap, FIRST)],
  },
);

/** As `dies`, whose last thread dies too: what it took over must not be forgotten on the way. */
const diesAgain = claims(
  4,
  {},
  {
    name: 'die-vs-recover+taken-over',
    about: 'A thread dies that recovers one which had died of recovering another.',
    mustSee: ['recovered 3', 'recovered none', 'recovered 1'],
    killed: [VICTIM, FIRST, SECOND],
    threads: ({ threads }, stage) => {
      const [last, , first, second] = threads as [Thread, Thread, Thread, Thread];
      const ofThose = [SECOND, FIRST, VICTIM].map((each) => recoversKilled(stage, last, each));
      return [
        ofThose,
        [],
        [recoversKilled(stage, first, VICTIM)],
        [recoversKilled(stage, second, FIRST)],
      ];
    },
    atEnd: ({ heap }) => [VICTIM, FIRST, SECOND].flatMap((each) => lost(heap, each)),
  },
);

/** In vain for the one that had died first: then the other is to be found again. */
const takenOverInVain = claims(
  3,
  {},
  {
    name: 'die-vs-recover+in-the-way',
    about: 'Who takes over a recovery gives it up, for somebody is in the way, and tries again.',
    mustSee: ['left 2', 'recovered 2'],
    killed: [VICTIM, FIRST],
    threads: ({ threads }, stage) => {
      const [last, , first] = threads as [Thread, Thread, Thread];
      const unlessVictim = (dead: Thread): boolean => dead.id === FIRST && frees(dead);
      const kill = (): void => stage.kill(FIRST);
      return [
        [
          kill,
          recovers(last, FIRST, unlessVictim),
          recovers(last, FIRST, frees),
          recoversKilled(stage, last, VICTIM),
        ],
        [],
        [recoversKilled(stage, first, VICTIM)],
      ];
    },
    atEnd: ({ heap }) => [...lost(heap, VICTIM), ...lost(heap, FIRST)],
  },
);

const attaching = claims(
  2,
  { spareThreads: 1 },
  {
    name: 'die+attach',
    about: 'A thread dies of attaching: its record is recovered, if it had one.',
    mustSee: ['recovered 1', 'recovered none'],
    killed: [VICTIM],
    threads: ({ heap, threads, lockWaits }, stage) => {
      const identity = { name: '', atSeconds: 0, worker: VICTIM };
      const attach = (): void => void attachThread(heap, 'qsbr', lockWaits, identity);
      return [[recoversKilled(stage, threads[0] as Thread, VICTIM)], [attach]];
    },
    atEnd: ({ heap }) => lost(heap, VICTIM),
  },
);

export const CLAIM_SCENARIOS: readonly Scenario[] = [
  nextThread,
  inTheWay,
  dies,
  diesAgain,
  takenOverInVain,
  attaching,
];
