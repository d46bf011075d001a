/** Mutants of the lock and the page supply. */
import type { Mutant } from '../../model/mutant.js';

const LOCK = 'core/mem/lock.js';
const SUPPLY = 'core/mem/supply.js';

export const MEM_MUTANTS: readonly Mutant[] = [
  {
    name: 'lock-tests-then-sets',
    about: 'The lock is tested by one access and taken by the next.',
    rules: ['L1'],
    file: LOCK,
    find: 'if (mem.cas(lock, 0, thread.id + 1) !== 0)',
    replace: 'if (mem.load(lock) === 0)\n        mem.store(lock, thread.id + 1);\n    else',
    scenario: 'holder-vs-holder+one-lock',
  },
  {
    name: 'unlock-does-not-notify',
    about: 'Letting go of a lock wakes nobody.',
    rules: ['L2'],
    file: LOCK,
    find: 'mem.notify(lock, 1);',
    replace: 'return;',
    scenario: 'holder-vs-holder+one-lock',
  },
  {
    name: 'woken-holder-forgets-sleepers',
    about: 'A thread that slept takes the lock without the bit for those who may still sleep.',
    rules: ['L2'],
    file: LOCK,
    find: 'mem.cas(lock, 0, mine | SLEEPERS)',
    replace: 'mem.cas(lock, 0, mine)',
    scenario: 'three-holders+one-lock',
  },
  {
    name: 'unlock-loads-then-stores',
    about: 'Letting go is a load and a store: a bit set in between is lost.',
    rules: ['L2'],
    file: LOCK,
    find: 'if (thread.mem.exchange(lock, 0) < 0)',
    replace:
      'const held = thread.mem.load(lock);\n    thread.mem.store(lock, 0);\n    if (held < 0)',
    scenario: 'holder-vs-holder+one-lock',
  },
  {
    name: 'waiter-sleeps-unannounced',
    about: 'A thread falls asleep without having set the bit for sleepers.',
    rules: ['L2'],
    file: LOCK,
    find: 'else if ((seen & SLEEPERS) === 0)',
    replace: 'else if (seen === 1 << 30)',
    scenario: 'holder-vs-holder+one-lock',
  },
  {
    name: 'wait-taken-for-lock',
    about: 'Whoever returns from its wait takes the lock without another look.',
    rules: ['L1'],
    file: LOCK,
    find: 'const found = mem.load(lock);\n            waitedMs',
    replace: `mem.store(lock, mine | SLEEPERS);
            return true;
            const found = mem.load(lock);
            waitedMs`,
    scenario: 'holder-vs-holder+early-return',
  },
  {
    name: 'waiter-never-looks-again',
    about: 'Whoever waits for a lock sleeps until it is woken, whatever became of who was woken.',
    rules: ['L2'],
    file: LOCK,
    find: 'return lockWaits.lookMs === 0 ?',
    replace: 'return lockWaits.lookMs >= 0 ?',
    scenario: 'killed-waiter-vs-waiter+one-lock',
  },
  {
    name: 'waiter-ignores-broken',
    about: 'Whoever is about to sleep does not look whether a rule was found broken.',
    rules: ['L3'],
    file: LOCK,
    find: 'if (mem.load(headerWord(HEAP.BROKEN)) !== 0)',
    replace: 'if (lock < 0)',
    scenario: 'broken-vs-waiters+one-lock',
  },
  {
    name: 'broken-wakes-nobody',
    about: 'The thread that finds a broken rule does not wake those that sleep.',
    rules: ['L3'],
    file: LOCK,
    find: 'mem.notify(lock);',
    replace: 'return;',
    scenario: 'broken-vs-waiters+one-lock',
  },
  {
    name: 'broken-leaves-sleepers-bit',
    about: 'The bit for sleepers is not taken away before they are woken.',
    rules: ['L3'],
    file: LOCK,
    find: 'mem.and(lock, ~SLEEPERS);',
    replace: '',
    scenario: 'broken-vs-waiters+one-lock',
  },
  {
    name: 'woken-waiter-tells-nobody',
    about: 'A waiter that sees that a rule is broken does not wake the others.',
    rules: ['L3'],
    file: LOCK,
    find: 'wakeAll(mem, lock);',
    replace: '',
    scenario: 'broken-vs-waiters+one-lock',
  },
  {
    name: 'supply-takes-unlocked',
    about: 'Pages are taken without the supply lock.',
    rules: ['S1', 'S2'],
    file: SUPPLY,
    find: `acquire(thread, SUPPLY_LOCK);
    const pfn = takeBlock(thread, order);
    release(thread, SUPPLY_LOCK);`,
    replace: 'const pfn = takeBlock(thread, order);',
    scenario: 'take-vs-take+one-block',
  },
  {
    name: 'own-lock-waited-for',
    about: 'A thread waits for a lock that it has itself, since an operation was broken off.',
    rules: ['L4'],
    file: LOCK,
    find: ' || threadInside(seen) === thread.id',
    replace: '',
    scenario: 'stall-vs-alloc+own-lock',
  },
  {
    name: 'sleeper-still-said-to-wait',
    about: 'A thread goes on saying that it waits for a lock that it has got.',
    rules: ['L2'],
    file: LOCK,
    find: 'mem.store(sleepsFor, 0);',
    replace: '',
    scenario: 'stall-vs-alloc+own-lock',
  },
  {
    name: 'supply-returns-unlocked',
    about: 'Pages are returned without the supply lock.',
    rules: ['S1', 'S2'],
    file: SUPPLY,
    find: `if (!acquireWithin(thread, SUPPLY_LOCK, stallMs))
        return false;
    const ptdesc = ptdescOf(heap, pfn);`,
    replace: 'const ptdesc = ptdescOf(heap, pfn);',
    scenario: 'take-vs-return+last-block',
  },
  {
    name: 'merged-buddy-stays-listed',
    about: 'A buddy that is merged stays on its own list too.',
    rules: ['S2'],
    file: SUPPLY,
    find: `break;
        listDelete(mem, at(ptdesc, PTDESC.LINK));`,
    replace: 'break;',
    scenario: 'return-vs-return+buddies',
  },
  {
    name: 'buddies-are-not-merged',
    about: 'Two free buddies stay two blocks.',
    rules: ['S1'],
    file: SUPPLY,
    find: 'if (buddy >= heap.pagesMax)',
    replace: 'if (buddy >= 0)',
    scenario: 'return-vs-return+buddies',
  },
];
