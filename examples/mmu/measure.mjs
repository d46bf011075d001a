/** What translation costs: one CPU, the same program, memory all mapped, several ways to find it. */
import { attach, createHeap } from 'ptfrag';
import { createSpace } from 'ptfrag/pgtable';
import { Cpu, STOP } from './cpu.mjs';
import { randomFrom, registersFor, writeGuest } from './guest.mjs';
import { allowed, BASE, createMachine, PAGE, pageAt, SPAN_PAGES } from './machine.mjs';

const TLB_SLOTS = 256;
const RUNS = 100;
const RUN_MS = 2;
const WAYS = [
  { name: 'walk for every access', cached: false, keep: false, blocks: 64 },
  { name: 'TLB for every access', cached: true, keep: false, blocks: 64 },
  { name: 'walk, and keep the last page for the section', cached: false, keep: true, blocks: 64 },
  { name: 'TLB, and keep the last page for the section', cached: true, keep: true, blocks: 64 },
  { name: 'the same, a section for each block', cached: true, keep: true, blocks: 1 },
  { name: 'the same, qsbr', cached: true, keep: true, blocks: 1, flavour: 'qsbr' },
];

/** Instructions a second, for each way. */
export function measure() {
  return WAYS.map((way) => ({ name: way.name, perSecond: speedOf(way) }));
}

/** The best of several runs: the first ones warm up, and other programs only take. */
function speedOf(way) {
  const machine = createMachine({ cpus: 1, spans: 1, large: 0, small: 2 * SPAN_PAGES });
  const { buffer } = createHeap({ geometry: 'riscv-sv39', pages: 64 });
  const thread = attach(buffer, { flavour: way.flavour ?? 'epoch' });
  const space = createSpace(thread);
  const ring = writeGuest(machine, randomFrom(1));
  machine.ram.set(machine.store);
  for (let index = 0; index < 2 * SPAN_PAGES; index++) {
    space.mapPage(pageAt(index), index * PAGE, allowed(machine, pageAt(index)));
  }
  const tlb = space.createTlb(TLB_SLOTS);
  const find = way.cached ? (page) => space.walkCached(tlb, page) : (page) => space.walk(page);
  const cpu = new Cpu(machine.ram, find, way.keep);
  cpu.pc = BASE;
  const registers = registersFor(0, ring, 1e6);
  for (const [name, value] of Object.entries(registers)) cpu.set(name, value);
  let best = 0;
  for (let run = 0; run < RUNS; run++) {
    const before = cpu.instructions;
    const took = runFor(thread, cpu, way.blocks, RUN_MS);
    best = Math.max(best, ((cpu.instructions - before) / took) * 1000);
  }
  space.exit();
  thread.detach();
  return best;
}

/** Returns how many milliseconds it was. */
function runFor(thread, cpu, blocks, ms) {
  const begin = performance.now();
  for (;;) {
    for (let section = 0; section < 16; section++) {
      thread.readLock();
      const stop = cpu.run(blocks);
      thread.readUnlock();
      thread.quiescent();
      if (stop !== STOP.BRANCH) throw new Error(`the guest stopped: ${stop}`);
    }
    const took = performance.now() - begin;
    if (took >= ms) return took;
  }
}
