/** A thread of a test: attaches to the heap, waits for the others, runs its job, says how it ended. */
import { parentPort, workerData } from 'node:worker_threads';
import { openHeap } from '#src/core/mem/heap.js';
import { SharedMemory } from '#src/core/mem/shared.js';
import { attachThread, detachThread } from '#src/core/rcu/attach.js';

const { file, job, buffer, words, threads } = workerData;
const jobs = await import(`./jobs-${file}.mjs`);
const heap = openHeap(new SharedMemory(new Int32Array(buffer), job.maySleep ?? true));
const thread = attachThread(heap, job.flavour ?? 'epoch');

// The gate: nobody starts before all are here.
if (Atomics.add(words, 0, 1) === threads - 1) Atomics.notify(words, 0);
for (let here = Atomics.load(words, 0); here < threads; here = Atomics.load(words, 0)) {
  Atomics.wait(words, 0, here);
}

let outcome;
try {
  outcome = { value: jobs[job.job](thread, job, words.subarray(1)) };
  detachThread(thread);
} catch (error) {
  outcome = { error: { name: error.name, message: error.stack, rule: error.rule } };
}
parentPort.postMessage(outcome);
