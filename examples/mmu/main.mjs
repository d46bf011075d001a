/**
 * A guest machine whose MMU is the library. Two CPUs run a small RISC-V program and fault; the
 * host takes pages from them, gathers pages in large frames and forks, all at the same time. Run it
 * with `node examples/mmu/main.mjs`. With a number behind it each CPU makes so many rounds, or a
 * multiple, and costs are not measured.
 */
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { attach, createHeap } from 'ptfrag';
import { createSpace } from 'ptfrag/pgtable';
import { countFree, initFrames } from './frames.mjs';
import { expectedSum, randomFrom, registersFor, writeGuest } from './guest.mjs';
import { Host } from './host.mjs';
import { BASE, createMachine, SPAN, SPAN_PAGES } from './machine.mjs';
import { measure } from './measure.mjs';
import { report, reportCosts } from './report.mjs';
import { countWrong, isConsistent } from './verify.mjs';

const [, , ROUNDS = '40'] = process.argv;
const rounds = Number(ROUNDS);

/** Each CPU has a flavour of its own. */
const FLAVOURS = ['epoch', 'qsbr'];

/** The guest has 1,537 pages; some must be in large frames, or be out, when it forks. */
const SIZES = { cpus: FLAVOURS.length, spans: 3, large: 2, small: 1280 };

/** The page tables of a guest and a snapshot are a dozen; the others wait for grace periods. */
const HEAP = { geometry: 'riscv-sv39', pages: 128 };

/** Between two things that the host does. */
const REST_MS = 2;

const random = randomFrom(1);
const machine = createMachine(SIZES);
initFrames(machine);
const ring = writeGuest(machine, random);

const { buffer } = createHeap(HEAP);
const thread = attach(buffer);
const space = createSpace(thread);
const host = new Host(thread, space, machine);
let running = FLAVOURS.length;

/** Starts a CPU; returns how it ended. */
async function runCpu(flavour, number) {
  const registers = registersFor(number, ring, rounds);
  const workerData = { buffer, mm: space.mm, machine, number, flavour, registers };
  const worker = new Worker(new URL('./vcpu.mjs', import.meta.url), { workerData });
  const [end] = await once(worker, 'message');
  running--;
  return end;
}

/** Whether all that this example is about has happened; until then the guest goes on. */
function isEnough({ pagesOut, collapses, snapshots }) {
  const copied = Atomics.load(machine.copied, 0);
  return [pagesOut, collapses, snapshots, copied].every((times) => times > 0);
}

/** The host does one thing after the other, for as long as a CPU runs. */
async function disturb() {
  const verify = (mapped, stored) => isConsistent(machine, mapped, stored);
  while (running > 0) {
    const page = BASE + random.below(machine.spans) * SPAN;
    const kind = random.below(16);
    if (kind === 0) await host.snapshot(verify);
    else if (kind < 4) await host.collapse(page);
    else await host.pageOut(page + random.below(4) * (SPAN / 4), SPAN_PAGES / 4);
    if (isEnough(host.counts)) Atomics.store(machine.enough, 0, 1);
    await setTimeout(REST_MS);
  }
}

/** Takes everything back: the guest's pages, its space, its tables. */
async function shutDown() {
  for (let span = 0; span < machine.spans; span++) {
    await host.pageOut(BASE + span * SPAN, SPAN_PAGES);
  }
  space.exit();
  await thread.barrierAsync();
}

const begin = performance.now();
const [cpus] = await Promise.all([Promise.all(FLAVOURS.map(runCpu)), disturb()]);
const ms = performance.now() - begin;
await shutDown();
const roundsOf = cpus.map(({ laps }) => laps * rounds);
const isRight = report({
  ms,
  cpus: cpus.map((cpu, number) => ({ ...cpu, expected: expectedSum(ring, roundsOf[number]) })),
  host: host.counts,
  copied: machine.copied[0],
  wrong: countWrong(machine, roundsOf),
  frames: countFree(machine),
  pages: thread.pages(),
  violations: thread.check({ drained: true }),
});
thread.detach();
if (process.argv.length === 2) reportCosts(measure());
process.exitCode = isRight ? 0 : 1;
