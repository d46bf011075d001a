/** A worker that is one of the guest's CPUs. */
import { parentPort, workerData } from 'node:worker_threads';
import { attach } from 'ptfrag';
import { openSpace } from 'ptfrag/pgtable';
import { Cpu, STOP } from './cpu.mjs';
import { BASE, ENDED, PARKED } from './machine.mjs';
import { Pager } from './pager.mjs';

const TLB_SLOTS = 256;

/** Basic blocks in a read section: long enough to cost little, short for those who wait for it. */
const BLOCKS = 64;

const { buffer, mm, machine, number, flavour, registers } = workerData;
const { enough, pause, parked } = machine;
const thread = attach(buffer, { flavour });
const space = openSpace(thread, mm);
const tlb = space.createTlb(TLB_SLOTS);
const cpu = new Cpu(machine.ram, (page) => space.walkCached(tlb, page));
const pager = new Pager(thread, space, machine);

let laps = 0;
begin();

for (let isOver = false; !isOver; ) {
  thread.readLock();
  const stop = cpu.run(BLOCKS);
  thread.readUnlock();
  // Here, between two sections, this thread holds no translation. For qsbr it has to say so.
  thread.quiescent();
  if (stop === STOP.FAULT) pager.handle(cpu.faultAt, cpu.faultNeeds);
  if (stop === STOP.CALL) {
    laps++;
    isOver = Atomics.load(enough, 0) === 1;
    if (!isOver) begin();
  }
  const current = Atomics.load(pause, 0);
  if (current % 2 !== 0) park(current);
}
pager.drain();
thread.detach();
tell(ENDED);
const { instructions } = cpu;
parentPort.postMessage({ sum: cpu.get('a2'), laps, instructions, ...pager.counts });

/** The program from its start. Its sum goes on from lap to lap. */
function begin() {
  cpu.pc = BASE;
  for (const [name, value] of Object.entries(registers)) cpu.set(name, value);
}

/** Waits until the host lets the guest go on. */
function park(current) {
  thread.offline();
  tell(current);
  while (Atomics.load(pause, 0) === current) Atomics.wait(pause, 0, current);
  thread.online();
}

/** This CPU stands still, and has stored so much. */
function tell(why) {
  const words = number * PARKED.WORDS;
  parked[words + PARKED.STORES] = cpu.stores;
  parked[words + PARKED.ATOMICS] = cpu.atomics;
  Atomics.store(parked, words + PARKED.PAUSE, why);
  Atomics.notify(parked, words + PARKED.PAUSE);
}
