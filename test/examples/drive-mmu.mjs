/**
 * Drives the pager and the host of examples/mmu on one thread, step by step, where two threads would
 * have to meet by chance. Prints what the guest was given. Run with the example's folder, beside
 * which the package is installed.
 */
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const [, , folder] = process.argv;
const load = (path) => import(pathToFileURL(join(folder, path)).href);
const { attach, createHeap } = await load('../node_modules/ptfrag/dist/api/index.js');
const { createSpace, frameOf, PROT } = await load(
  '../node_modules/ptfrag/dist/api/pgtable/index.js',
);
const { createMachine, pageAt, pageIndex, PAGE_WORDS, SPAN_PAGES, spanIndex } =
  await load('machine.mjs');
const { initFrames } = await load('frames.mjs');
const { Host } = await load('host.mjs');
const { Pager } = await load('pager.mjs');

/** A page of data. */
const PAGE = pageAt(SPAN_PAGES);

function createStage() {
  const machine = createMachine({ cpus: 1, spans: 1, large: 0, small: 8 });
  initFrames(machine);
  const { buffer } = createHeap({ geometry: 'riscv-sv39', pages: 16 });
  const thread = attach(buffer);
  const space = createSpace(thread);
  const pager = new Pager(thread, space, machine);
  const frame = () => frameOf(pager.find(PAGE));
  return { buffer, machine, thread, pager, frame, host: new Host(thread, space, machine) };
}

/** The page goes in, is written to and goes out between a CPU's copy and the lock for it. */
async function readAfterLateCopy() {
  const { machine, pager, frame, host } = createStage();
  machine.store[pageIndex(PAGE) * PAGE_WORDS] = 1;
  const span = spanIndex(PAGE);
  const version = machine.versions[span];
  const copy = pager.copyIn(PAGE);
  pager.handle(PAGE, PROT.write);
  machine.ram[frame() * PAGE_WORDS] = 2;
  await host.pageOut(PAGE, 1);
  pager.mapCopy(PAGE, span, version, copy);
  pager.handle(PAGE, PROT.read);
  return machine.ram[frame() * PAGE_WORDS];
}

/** How many pages have a frame that was unmapped, while a CPU may read it and when it has left. */
async function usesOfUnmapped() {
  const { buffer, machine, thread, pager, frame, host } = createStage();
  const reader = attach(buffer);
  pager.handle(PAGE, PROT.read);
  const index = frame();
  reader.readLock();
  let isOut = false;
  const out = host.pageOut(PAGE, 1).then(() => {
    isOut = true;
  });
  // Either it waits for the reader, or it ends.
  while (!isOut && thread.blocker()?.thread !== reader.id) await setImmediate();
  const inside = machine.uses[index];
  reader.readUnlock();
  await out;
  return { inside, after: machine.uses[index] };
}

console.log(JSON.stringify({ read: await readAfterLateCopy(), uses: await usesOfUnmapped() }));
