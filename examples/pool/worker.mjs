/** A worker of the pool: mostly reads random slots, now and then puts a new block in one. */
import { parentPort, workerData } from 'node:worker_threads';
import { at, attach } from 'ptfrag';

const { buffer, pool, directory, gate, workers, slots, steps, seed } = workerData;
const BLOCK_WORDS = 64;
const REPLACE_ONE_IN = 8;

const thread = attach(buffer);
const { memory } = thread;
const result = { reads: 0, torn: 0, replaced: 0, waits: 0 };

let random = seed;
function below(count) {
  random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
  return Math.floor((random / 2 ** 32) * count);
}

/** No lock: the section keeps whatever block we find from being used again. */
function read(slot) {
  thread.readLock();
  const block = memory.load(at(directory, slot));
  if (block !== 0) {
    const first = memory.load(block);
    for (let word = 1; word < BLOCK_WORDS; word++) {
      if (memory.load(at(block, word)) === first) continue;
      result.torn++;
      break;
    }
    result.reads++;
  }
  thread.readUnlock();
}

function allocate() {
  for (;;) {
    const block = thread.tryAllocTable(pool);
    if (block !== null) return block;
    // All pages are in use or wait for a reader: blocks that were freed come back.
    thread.synchronize();
    result.waits++;
  }
}

function replace(slot, value) {
  const block = allocate();
  memory.fill(block, BLOCK_WORDS, value);
  // An atomic access publishes the plain ones before it.
  const old = memory.exchange(at(directory, slot), block);
  // Nobody can find the old one any more; who is in it already may stay. Freed, not overwritten.
  if (old !== 0) thread.freeTable(pool, old);
  result.replaced++;
}

/** Waits until all workers are here: else the first may be done before the last begins. */
function meet() {
  let here = memory.add(gate, 1) + 1;
  memory.notify(gate);
  for (; here < workers; here = memory.load(gate)) memory.awaitChange(gate, here);
}

meet();
for (let step = 1; step <= steps; step++) {
  if (below(REPLACE_ONE_IN) === 0) replace(below(slots), step * 4 + seed);
  else read(below(slots));
}
thread.detach();
parentPort.postMessage(result);
