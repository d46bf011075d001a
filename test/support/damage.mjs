/**
 * What the thread of damage.test.ts does: it makes a heap, and again and again damages one word of
 * it and calls something. Words that are shared say what it is at, for a call may have no end.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { attach, createHeap } from '#src/api/index.js';
import { createSpace, openSpace, PROT } from '#src/api/pgtable/index.js';
import { AttachedThread } from '#src/api/thread.js';
import { hashed } from '#src/core/base/prng.js';

const OPTIONS = { geometry: 's390', pages: 40, pagesMax: 44, threadsMax: 5, mmsMax: 6 };
const WAITS = { lockStallMs: 1 };
const STALL = { stallMs: 2 };
const AT_ONCE = { waitMs: 0 };
const RW = PROT.read | PROT.write;
const PAGE = 4096;
const MIB = 2 ** 20;

/** A heap with a bit of everything: spaces, partial pages, what waits, who has left. */
function makeRich(debug) {
  const { buffer } = createHeap({ ...OPTIONS, debug });
  const thread = attach(buffer, { ...WAITS, name: 'first' });
  const other = attach(buffer, { ...WAITS, flavour: 'qsbr' });
  const gone = attach(buffer, { ...WAITS, name: 'gone' });
  const space = createSpace(thread);
  space.mapRange(0, 4 * PAGE, 8 * MIB, RW);
  const second = createSpace(thread);
  second.mapRange(MIB, PAGE, 9 * MIB, RW);
  const [ended, mm, idle] = [thread.createMm(), thread.createMm(), thread.createMm()];
  thread.destroyMm(ended);
  const kind = thread.kind('pte');
  const take = () => thread.allocTable(mm, kind);
  const [kept, lone, freed, early, late, beside] = [1, 2, 3, 4, 5, 6].map(take);
  gone.freeTable(mm, early);
  thread.barrier();
  other.freeTable(mm, freed);
  gone.detach();
  other.offline();
  thread.destroyMm(thread.createMm());
  thread.freeTable(mm, late);
  return { buffer, thread, mm, idle, spaceMm: space.mm, kind, kept, lone, beside };
}

const REPORTS = {
  check: ({ thread }) => thread.check(),
  drained: ({ thread }) => thread.check({ drained: true }),
  blocker: ({ thread }) => thread.blocker(),
  blockers: ({ thread }) => thread.blockers(),
  threads: ({ thread }) => thread.threads(),
};

const OPERATIONS = {
  poll: ({ thread }) => thread.poll(),
  pollAll: ({ thread }) => [1, 2, 3, 4, 5, 6].map(() => thread.poll(Number.POSITIVE_INFINITY)),
  createMm: ({ thread }) => thread.createMm(AT_ONCE),
  destroyMm: ({ thread, idle }) => thread.destroyMm(idle),
  attach: ({ buffer }) => attach(buffer, WAITS).detach(),
  allocListed: ({ thread, mm, kind }) => thread.allocTable(mm, kind, AT_ONCE),
  allocLarge: ({ thread, mm }) => thread.allocTable(mm, thread.kind('crst'), AT_ONCE),
  allocAll: ({ thread, mm, kind }) => {
    for (let i = 0; i < 60; i++) thread.allocTable(mm, kind, AT_ONCE);
  },
  tryAlloc: ({ thread, mm, kind }) => thread.tryAllocTable(mm, kind),
  freeShared: ({ thread, mm, kept }) => thread.freeTable(mm, kept),
  freeWhole: ({ thread, mm, lone, beside }) => {
    thread.freeTable(mm, beside);
    thread.freeTable(mm, lone);
  },
  barrier: ({ thread }) => thread.barrier(STALL),
  synchronize: ({ thread }) => thread.synchronize(STALL),
  grow: ({ thread }) => thread.grow(3),
  pages: ({ thread }) => thread.pages(),
  tablesOf: ({ thread, mm }) => thread.tablesOf(mm),
  enterMm: ({ thread, mm }) => {
    thread.enterMm(mm);
    thread.leaveMm(mm);
  },
  read: ({ thread }) => thread.read(() => undefined),
};

function opened({ thread, spaceMm }) {
  return openSpace(thread, spaceMm);
}

const OF_SPACES = {
  createSpace: ({ thread }) => createSpace(thread, AT_ONCE),
  mapPage: (rich) => opened(rich).mapPage(16 * PAGE, PAGE, RW, AT_ONCE),
  mapFar: (rich) => opened(rich).mapPage(2 ** 33, PAGE, RW, AT_ONCE),
  unmapRange: (rich) => opened(rich).unmapRange(0, 4 * MIB, AT_ONCE),
  protect: (rich) => opened(rich).protect(0, 4 * MIB, PROT.read, AT_ONCE),
  walk: (rich) => rich.thread.read(() => opened(rich).walk(PAGE)),
  walkCached: (rich) => {
    const space = opened(rich);
    rich.thread.read(() => space.walkCached(space.createTlb(1), PAGE));
  },
  fork: (rich) => opened(rich).fork(AT_ONCE),
  exit: (rich) => opened(rich).exit(),
  collapse: (rich) => opened(rich).collapse(0, MIB, RW),
  split: (rich) => opened(rich).split(0, AT_ONCE),
  checkTree: (rich) => opened(rich).check(),
  dumpImage: (rich) => opened(rich).dumpImage(),
};

/** For the test of the test. */
const ODD = {
  endless: () => {
    for (;;);
  },
  raw: () => Atomics.load(new Int32Array(1), 2),
  misnamed: () => [{ rule: 'P-1', detail: '' }],
};

const GROUPS = { reports: REPORTS, operations: OPERATIONS, spaces: OF_SPACES, ...ODD };

const FIXED = [0, 1, -1, 0x7fffffff, -0x80000000];

/** What a word is damaged to: the fixed values, its lowest bit changed, an address, and chance. */
function valuesFor(clean, word) {
  const [address, chance] = [hashed(word, 1) % clean.length, hashed(word, 2) | 0];
  return [...FIXED, clean[word] ^ 1, clean[word] + 1, address, chance];
}

const CODE = /^[a-z]+(?:-[a-z]+)*$/;
const RULE = /^[A-Z]\d+$/;

/** What is wrong with the outcome of a call; null: nothing. */
function faultOf(call, rich) {
  try {
    const result = call(rich);
    const rules = Array.isArray(result) ? result.flatMap(({ rule }) => rule ?? []) : [];
    const odd = rules.find((rule) => !RULE.test(rule));
    return odd === undefined ? null : `found rule ${odd} broken`;
  } catch (error) {
    const { code, rule = 'P1' } = Object(error);
    const isOurs = typeof code === 'string' && CODE.test(code) && RULE.test(rule);
    return isOurs ? null : `threw ${error?.stack ?? error}`;
  }
}

/** Every `share`-th of what can be damaged and called: `at` is what this one is at. */
function damageAll({ debug, group, share, pagesShare, at }) {
  const rich = makeRich(debug);
  const words = new Int32Array(rich.buffer);
  const core = rich.thread.attachment.operations.here();
  const clean = words.slice();
  const found = GROUPS[group];
  const calls = typeof found === 'function' ? [[group, found]] : Object.entries(found);
  const count = { calls: 0, faults: [] };
  let { thread } = rich;
  for (let word = 0; word < words.length; word++) {
    const inPages = word < core.heap.pagesAt ? 1 : pagesShare;
    valuesFor(clean, word).forEach((value, which) => {
      if (value === clean[word]) return;
      calls.forEach(([name, call], number) => {
        if (hashed(word, which * calls.length + number) % (share * inPages) !== 0) return;
        words.set(clean);
        // A handle is of no use after what it could not follow.
        if (thread.attachment.operations.isBrokenOff) thread = new AttachedThread(core);
        words[word] = value;
        at.set([++count.calls, word, value, number]);
        const fault = faultOf(call, { ...rich, thread });
        if (fault !== null) count.faults.push(`${name}, word ${word} = ${value}: ${fault}`);
      });
    });
  }
  words.set(clean);
  return { ...count, words: words.length, names: calls.map(([name]) => name) };
}

parentPort.postMessage(damageAll(workerData));
