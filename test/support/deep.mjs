/**
 * A thread of a test: goes to the end of its stack, does there what it is told for the first time,
 * and comes back. It says what others find afterwards.
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
