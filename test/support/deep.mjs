/**
 * A thread of a test: goes to the end of its stack, does there what it is told for the first time,
 * and comes back. It says what others find afterwards. Some of it is only for the first time what
 * it is now: a hundred calls before had less to do.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { attach, createHeap } from '#src/api/index.js';
import { createSpace, PROT } from '#src/api/pgtable/index.js';

const { what, short } = workerData;
const { buffer } = createHeap({ geometry: 'riscv-sv39', pages: 600, mmsMax: 8 });
const [thread, other] = [attach(buffer), attach(buffer)];
const mm = other.createMm();
const table = other.allocTable(mm);
const space = createSpace(thread);
const idle = () => 0;
const PAGE_BYTES = 4096;
const TABLE_BYTES = 512 * PAGE_BYTES;

function often(work) {
  for (let i = 0; i < 100; i++) work();
}

/** What is done a hundred times before, with the stack nearly empty. */
const CHEAP = {
  'maps a page that needs a table': () => {
    space.mapPage(0, 0, PROT.read);
    often(() => space.mapPage(0, 0, PROT.read));
  },
  'polls when something is ripe': () => {
    often(() => thread.poll());
    thread.freeTable(mm, table);
  },
  'polls when an mm has ended': () => {
    often(() => thread.poll());
    thread.destroyMm(thread.createMm());
  },
  'unmaps what is mapped': () => {
    space.mapRange(0, TABLE_BYTES, 0, PROT.read);
    often(() => space.unmapRange(TABLE_BYTES, PAGE_BYTES));
  },
  'protects what is mapped': () => {
    space.mapRange(0, TABLE_BYTES, 0, PROT.read);
    often(() => space.protect(TABLE_BYTES, PAGE_BYTES, PROT.read));
  },
  'takes a page': () => often(() => thread.pages()),
};

/** Leaves everything as it found it, if it is not interrupted. */
const DOINGS = {
  allocates: () => void thread.allocTable(mm),
  frees: () => thread.freeTable(mm, table),
  reads: () => void thread.read(idle),
  'makes an mm': () => thread.destroyMm(thread.createMm()),
  polls: () => void thread.poll(),
  maps: () => void space.mapRange(0, 2 ** 21, 0, PROT.read),
  forks: () => void space.fork(),
  'ends a space': () => space.exit(),
  attaches: () => attach(buffer).detach(),
  'maps a page that needs a table': () => void space.mapPage(TABLE_BYTES, 0, PROT.read),
  'polls when something is ripe': () => void thread.poll(),
  'polls when an mm has ended': () => void thread.poll(),
  'unmaps what is mapped': () => void space.unmapRange(0, TABLE_BYTES),
  'protects what is mapped': () => void space.protect(0, TABLE_BYTES, PROT.write),
  'takes a page': () => void thread.allocTable(mm),
};

let isOver = false;
function descend(left) {
  if (left === 0) return DOINGS[what]();
  return descend(left - 1);
}

/** How deep the stack is, in calls of `descend`. */
function depth() {
  let calls = 0;
  const count = () => {
    calls++;
    count();
  };
  try {
    count();
  } catch {}
  return calls;
}

CHEAP[what]?.();
let done = 0;
let overflows = 0;
// From too deep to deep enough, a few calls at a time.
for (let calls = depth(); !isOver && calls > 0; calls -= short) {
  try {
    descend(calls);
    done++;
    isOver = true;
  } catch (error) {
    if (!/Maximum call stack/.test(error.message)) throw error;
    overflows++;
  }
}
let section = 'none';
try {
  thread.readUnlock();
  section = 'open';
} catch {}
other.barrier({ stallMs: 2000 });
const found = other.check();
other.createMm();
thread.poll();
parentPort.postMessage({ done, overflows: overflows > 0, section, found });
