/** Mutants of the core: alloc and free. */
import type { Mutant } from '../../model/mutant.js';

const ALLOC = 'core/frag/alloc.js';
const FREE = 'core/frag/free.js';

const ALLOC_MUTANTS: readonly Mutant[] = [
  {
    name: 'alloc-lets-go-of-list',
    about: 'The list is looked at under the lock, the fragment taken after it.',
    rules: ['P1', 'P4'],
    file: ALLOC,
    find: 'const node = listFirst(mem, partialList(owner, kindId));',
    replace:
      'release(thread, owner);\n    const node = listFirst(mem, partialList(owner, kindId));',
    scenario: 'alloc-vs-alloc+one-page',
  },
  {
    name: 'fresh-page-listed-unlocked',
    about: 'A fresh page is put on the list without the lock.',
    rules: ['P4'],
    file: ALLOC,
    find: 'mem.store((ptdesc + OWNER), owner);',
    replace: 'mem.store((ptdesc + OWNER), owner);\n    release(thread, owner);',
    scenario: 'alloc-vs-alloc+empty-list',
  },
  {
    name: 'fresh-page-not-filled',
    about: 'A page comes from the supply as its last user left it.',
    rules: ['P2', 'H4'],
    file: ALLOC,
    find: 'fillEmpty(mem, page, kind.fragmentWords * kind.perPage, kind);',
    replace: '{ }',
    scenario: 'alloc-vs-alloc+empty-list',
  },
  {
    name: 'node-not-erased',
    about: "The list node's words stay in the fragment that is handed out.",
    rules: ['H4', 'P2'],
    file: ALLOC,
    find: 'if (!heap.debug)\n            eraseNode(mem, node, kind);',
    replace: '',
    scenario: 'alloc-vs-alloc+last-fragment',
  },
  {
    name: 'full-page-stays-listed',
    about: 'A page whose last F was handed out stays on the list.',
    rules: ['P4', 'P1'],
    file: ALLOC,
    find: 'listDelete(mem, node);',
    replace: '',
    scenario: 'alloc-vs-alloc+last-fragment',
  },
  {
    name: 'holder-handed-out-first',
    about: 'The fragment with the node is handed out though another is free.',
    rules: ['P4', 'P6'],
    file: ALLOC,
    find: 'findFree(mem, ptdesc, kind.perPage, holder)',
    replace: 'holder',
    scenario: 'alloc-vs-alloc+one-page',
  },
  {
    name: 'holder-not-cleared',
    about: 'HOLDER still names the fragment that was handed out.',
    rules: ['P4'],
    file: ALLOC,
    find: 'mem.poke((ptdesc + HOLDER), 0);\n    }',
    replace: '}',
    scenario: 'alloc-vs-callback+node-moves',
  },
];

const FREE_MUTANTS: readonly Mutant[] = [
  {
    name: 'gate-opened-early',
    about: 'OWNER says that no A is left before the page was taken off the list and counted.',
    rules: ['P3', 'P4'],
    file: FREE,
    find: 'const allocated = mem.peek((ptdesc + ALLOCATED));',
    replace: `const allocated = mem.peek((ptdesc + ALLOCATED));
    if (allocated === 1)
        mem.store((ptdesc + OWNER), -owner);`,
    scenario: 'last-free-vs-callback+two',
  },
  {
    name: 'page-touched-after-gate',
    about: 'The last free writes the page once more after OWNER says that it is done.',
    rules: ['P3'],
    file: FREE,
    find: 'mem.store((ptdesc + OWNER), -owner);',
    replace: 'mem.store((ptdesc + OWNER), -owner);\n        mem.poke((ptdesc + HOLDER), 0);',
    scenario: 'last-free-vs-callback+two',
  },
  {
    name: 'owner-read-again-to-unlock',
    about: 'The lock to let go of is read from the page, which may be gone.',
    rules: ['P3', 'P5'],
    file: FREE,
    find: '    release(thread, owner);\n    return null;',
    replace: '    release(thread, Math.abs(mem.load((ptdesc + OWNER))));\n    return null;',
    scenario: 'last-free-vs-callback+two',
  },
  {
    name: 'gate-stored-plainly',
    about: 'OWNER is made negative by a plain store.',
    rules: ['P3', 'P5'],
    file: FREE,
    find: 'mem.store((ptdesc + OWNER), -owner);',
    replace: 'mem.poke((ptdesc + OWNER), -owner);',
    scenario: 'last-free-vs-callback+two',
  },
  {
    name: 'joins-begun-grace',
    about: 'A free joins the pending grace period though that has begun: always C.',
    rules: ['P10', 'P2'],
    file: FREE,
    find: 'begun ? N : C',
    replace: 'C',
    scenario: 'free-vs-grace+joining',
  },
  {
    name: 'joins-begun-grace-two-words',
    about: 'The same in a page with two state words.',
    rules: ['P10', 'P2'],
    file: FREE,
    find: 'begun ? N : C',
    replace: 'C',
    scenario: 'free-vs-grace+joining-two-words',
  },
  {
    name: 'node-in-freed-fragment',
    about: 'A page is listed by the fragment that was just freed.',
    rules: ['P2', 'H3'],
    file: FREE,
    find: 'mem.poke(tables, others);',
    replace: `mem.poke(tables, others);
    if (allocated > 1 && mem.peek((ptdesc + HOLDER)) === 0) {
        const list = owner + 32 + 2 * mem.peek((ptdesc + KIND));
        const first = mem.peek(list);
        mem.poke(table, first);
        mem.poke(table + 1, list);
        mem.poke(first + 1, table);
        mem.poke(list, table);
        mem.poke((ptdesc + HOLDER), index + 1);
    }`,
    scenario: 'reader-vs-callback+list-node',
  },
  {
    name: 'last-free-does-not-unlist',
    about: 'A page without A stays on the list.',
    rules: ['P3', 'P4'],
    file: FREE,
    find: 'unlist(heap, mem, ptdesc, pfn, kind);\n',
    replace: 'void kind;\n',
    scenario: 'alloc-vs-free+last-table',
  },
  {
    name: 'unlist-keeps-holder',
    about: 'HOLDER still names a node when the page is off the list.',
    rules: ['P3', 'P4'],
    file: FREE,
    find: 'mem.poke((ptdesc + HOLDER), 0);',
    replace: '',
    scenario: 'alloc-vs-free+last-table',
  },
  {
    name: 'head-queued-twice',
    about: 'Every free queues the head, whether or not it waits already.',
    rules: ['P7', 'H7'],
    file: FREE,
    find: 'if (waits === HEAD_IDLE)',
    replace: 'if (waits >= HEAD_IDLE)',
    scenario: 'free-vs-free+one-page',
  },
];

export const FRAG_MUTANTS: readonly Mutant[] = [...ALLOC_MUTANTS, ...FREE_MUTANTS];
