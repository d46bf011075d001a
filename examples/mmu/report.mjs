/** What the example prints. */

const count = (number) => Math.round(number).toLocaleString('en');

/** Prints what happened; returns whether all of it is right. */
export function report({ ms, cpus, host, copied, wrong, frames, pages, violations }) {
  const sum = (field) => cpus.reduce((all, cpu) => all + cpu[field], 0);
  const wrongSums = cpus.filter((cpu) => cpu.sum !== cpu.expected).length;
  const speed = sum('instructions') / ms / 1000;
  const lines = {
    guest: `${cpus.length} CPUs, ${count(sum('instructions'))} instructions in ${count(ms)} ms`,
    speed: `${speed.toFixed(1)} million instructions a second, all of this going on`,
    faults: `${count(sum('faults'))}, in ${count(sum('lost'))} another CPU was faster`,
    'paged out': `${count(host.pagesOut)} pages in ${count(host.pageOuts)} ranges`,
    collapsed: `${count(host.collapses)} times 512 pages to a large frame`,
    snapshots: `${count(host.snapshots)}, for which the guest copied ${count(copied)} pages`,
    sums: wrongSums === 0 ? 'right' : `${wrongSums} CPUs added up wrong`,
    memory: wrong === 0 ? 'right' : `${count(wrong)} counts are wrong`,
    instants: host.inconsistent === 0 ? 'right' : `${host.inconsistent} snapshots are of none`,
    frames: `${count(frames.free)} of ${count(frames.of)} are back`,
    tables: `${pages.free} of ${pages.limit} pages are back`,
    rules: violations.length === 0 ? 'all hold' : JSON.stringify(violations),
  };
  for (const [name, text] of Object.entries(lines)) console.log(`${name.padEnd(13)}${text}`);
  const back = frames.free === frames.of && pages.free === pages.limit;
  // What moved: without it the rest says nothing.
  const moved = [sum('faults'), host.pagesOut, host.collapses, host.snapshots, copied];
  const isRight = wrongSums + wrong + host.inconsistent + violations.length === 0;
  return isRight && back && moved.every((times) => times > 0);
}

/** Prints instructions a second for each way to find memory. */
export function reportCosts(rows) {
  console.log('\nOne CPU alone, in million instructions a second:');
  for (const { name, perSecond } of rows) {
    console.log(`  ${(perSecond / 1e6).toFixed(1).padStart(6)}  ${name}`);
  }
}
