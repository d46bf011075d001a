/**
 * `npm run bench:variants`: two threads that allocate from and free into one address space, on the
 * core and on its variants: what compare-and-swap gains, or loses, where the lock is contended.
 *
 * Each measurement is a process of its own, and the cores take turns, so that a machine that gets
 * slower is slower for all. Reported: the median of operations (an alloc, a free and its share of
 * callbacks) per second of both threads together, and the median ratio to the core's in its round.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { createMm, initCommonOwner } from '#src/core/frag/mm.js';
import { formatHeap, openHeap } from '#src/core/mem/heap.js';
import { layoutOf } from '#src/core/mem/regions.js';
import { reserveBuffer, SharedMemory, viewWords } from '#src/core/mem/shared.js';
import { growSupply } from '#src/core/mem/supply.js';
import { geometryNamed, kindsOf } from '#src/core/pgtable/geometry.js';
import { attachThread } from '#src/core/rcu/attach.js';
import { poll } from '#src/core/rcu/callback.js';
import { CORES } from '#src/core/variants/core.js';

const SELF = fileURLToPath(import.meta.url);
const ROUNDS = 7;
const THREADS = [1, 2];
const OPERATIONS = 32;
const WARM_MS = 300;
const MEASURE_MS = 400;

function coreNamed(name) {
  return CORES.find((core) => core.name === name);
}

function makeBuffer() {
  const config = {
    geometry: 's390',
    kinds: kindsOf(geometryNamed('s390')),
    pageShift: 10,
    pagesMax: 4096,
    threadsMax: 16,
    mmsMax: 16,
    sharedOwner: false,
    debug: false,
    spins: 100,
  };
  const { words } = layoutOf(config);
  const buffer = reserveBuffer(words * 4);
  const heap = formatHeap(new SharedMemory(viewWords(buffer, 0, words), true), config);
  initCommonOwner(heap);
  const thread = attachThread(heap, 'epoch');
  growSupply(thread, config.pagesMax);
  return { buffer, words, mm: createMm(thread) };
}

/** A worker: the same work over and over, counted in the middle of it. */
function work({ name, buffer, words, mm }) {
  const core = coreNamed(name);
  const memory = new SharedMemory(viewWords(buffer, 0, words), true);
  const thread = attachThread(openHeap(memory), 'epoch');
  const tables = new Array(OPERATIONS).fill(0);
  const runFor = (ms) => {
    const end = performance.now() + ms;
    let done = 0;
    while (performance.now() < end) {
      for (let i = 0; i < OPERATIONS; i++) tables[i] = core.allocTable(thread, mm, 0);
      for (let i = 0; i < OPERATIONS; i++) {
        // Out of pages while the other thread is off its CPU: nothing to free, and nothing counts.
        if (tables[i] === null) continue;
        core.freeTable(thread, mm, tables[i]);
        done++;
      }
      poll(thread, core.callbacks, 2 * OPERATIONS);
    }
    return done;
  };
  runFor(WARM_MS);
  const done = runFor(MEASURE_MS);
  runFor(WARM_MS / 2);
  parentPort.postMessage(done);
}

/** One core with so many threads: operations per second. */
async function measure(name, threads) {
  const shared = { name, ...makeBuffer() };
  const counts = await Promise.all(
    Array.from({ length: threads }, () => {
      const worker = new Worker(SELF, { workerData: shared });
      return new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject));
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0) / (MEASURE_MS / 1000);
}

function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

/** All cores, taking turns. */
function measureAll(threads) {
  const rates = CORES.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    CORES.forEach(({ name }, core) => {
      const argv = [SELF, '--core', name, `${threads}`];
      rates[core].push(Number(execFileSync(process.execPath, argv, { encoding: 'utf8' })));
    });
  }
  CORES.forEach(({ name }, core) => {
    const ratios = rates[core].map((rate, round) => rate / rates[0][round]);
    const million = (median(rates[core]) / 1e6).toFixed(2).padStart(8);
    process.stdout.write(
      `${name.padEnd(12)}${threads} ${million} ${median(ratios).toFixed(2).padStart(8)}\n`,
    );
  });
}

if (!isMainThread) work(workerData);
else if (process.argv[2] === '--core') {
  process.stdout.write(`${await measure(process.argv[3], Number(process.argv[4]))}`);
} else {
  process.stdout.write('core  threads  M ops/s   to common\n');
  for (const threads of THREADS) measureAll(threads);
}
