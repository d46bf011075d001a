/** Modules of the core's rooms that no scenario is about, and why: they are changed by nobody. */

const OUTSIDE = {
  'core/mem/shared.js': 'the memory over a SharedArrayBuffer: the checker brings another one',
  'core/mem/counting.js': 'counts accesses, to compare costs',
  'core/mem/support.js': 'asks what the engine can do',
  'core/mem/supply-check.js': 'looks for broken rules, and changes nothing',
  'core/frag/check.js': 'looks for broken rules, and changes nothing',
  'core/frag/check-page.js': 'looks for broken rules, and changes nothing',
  'core/rcu/held-up.js': 'says in a message what is waited for',
  'core/frag/shortage.js': 'says in a message what is short',
  'core/pgtable/image.js': 'writes a tree into a file, which no thread changes meanwhile',
};

export function isOutside(file) {
  return file in OUTSIDE;
}
