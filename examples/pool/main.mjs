/**
 * A pool of fixed-size blocks in shared memory: three workers read it without locks while the same
 * three replace what is in it. Run it with `node examples/pool/main.mjs`.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { at, attach, createHeap } from 'ptfrag';

const WORKERS = 3;
const STEPS = 50_000;
const SLOTS = 64;
const PAGES = 64;

// A geometry of our own: sixteen blocks of 256 bytes in a page. All of a block is `slotBytes`, so a
// block may be freed with anything in it, and is cleared before it is handed out again.
const block = { name: 'block', bytes: 256, perPage: 16, slotBytes: 256 };
const geometry = { name: 'pool', pageBytes: 4096, kinds: [block] };

const { buffer } = createHeap({ geometry, pages: PAGES });
const thread = attach(buffer);
const { memory } = thread;

// Blocks belong to an mm; one serves them all. The directory is a block too: a word for each slot,
// the address of the block that is published there, 0 for none.
const pool = thread.createMm();
const directory = thread.allocTable(pool);
// One word more, by which the workers begin together.
const gate = thread.allocTable(pool);

const begin = performance.now();
const workers = Array.from({ length: WORKERS }, (_, index) => {
  const shared = { buffer, pool, directory, gate, workers: WORKERS };
  const workerData = { ...shared, slots: SLOTS, steps: STEPS, seed: index + 1 };
  return new Worker(new URL('./worker.mjs', import.meta.url), { workerData });
});
const results = await Promise.all(
  workers.map(async (worker) => (await once(worker, 'message'))[0]),
);
const ms = performance.now() - begin;

// Unlink, then free. Which thread allocated a block does not matter.
for (let slot = 0; slot < SLOTS; slot++) {
  const old = memory.exchange(at(directory, slot), 0);
  if (old !== 0) thread.freeTable(pool, old);
}
thread.freeTable(pool, directory);
thread.freeTable(pool, gate);
thread.destroyMm(pool);

// A block that was freed while its page's grace period ran waits for the next one, so its page
// comes back after the second round of callbacks.
await thread.barrierAsync();
await thread.barrierAsync();
const violations = thread.check({ drained: true });
const { free, limit } = thread.pages();
thread.detach();

const sum = (field) => results.reduce((all, result) => all + result[field], 0);
console.log(`workers     ${WORKERS}, ${STEPS} steps each, ${Math.round(ms)} ms`);
console.log(`reads       ${sum('reads')} without a lock`);
console.log(`torn reads  ${sum('torn')}, must be 0: a block was reused under its reader`);
console.log(`replaced    ${sum('replaced')} blocks, ${sum('waits')} times after waiting for one`);
console.log(`pages       ${free} of ${limit} are back`);
console.log(`rules       ${violations.length === 0 ? 'all hold' : JSON.stringify(violations)}`);
const allWorked = results.every(({ reads, replaced }) => reads > 0 && replaced > 0);
const isRight = sum('torn') === 0 && free === limit && violations.length === 0;
process.exitCode = allWorked && isRight ? 0 : 1;
