/** What stands before the tables of docs/proof.md. */

export const HEAD = `# Proof

For each rule of [requirements.md](requirements.md): which code keeps it, which scenarios would show
that it is broken, and which mutants break it. A *scenario* is a small program of two or three
threads. \`ptfrag check\` explores every interleaving of it. A *mutant* is a build that lacks one
safeguard. This page is made by \`npm run docs:proof\` from the rules, the scenarios and the mutants,
and a test compares it with them. [checker.md](checker.md) says how to use the checker, the
[glossary](glossary.md) what words mean.

## What is shown

The checker runs the functions that ship, on a memory of its own, one shared access at a time. Two
accesses interfere if both touch the same word and one of them writes. Executions that differ only
in the order of accesses that don't interfere are explored as one. In each execution the checker
looks for races, for broken rules, for what the scenario forbids, and for threads that would wait
for ever.

- **Sound**: a scenario that was explored completely and is said to hold does hold, in every
  interleaving of its accesses, but for what is listed below. No failure of it is missed.
- **Complete**: each failure that is reported is one. It comes with a schedule, which says which
  thread makes each step. The code can follow that schedule, and anybody can replay it.
- **Not vacuous**: a scenario names what some execution must have seen, and fails if none has. And
  for each safeguard there is a mutant, which its scenario must catch.

## What is not shown

- **Weaker memory models.** Shared accesses are JavaScript's; atomic ones are sequentially
  consistent. Linux's plain and atomic accesses are ordered less. Whether the protocol would hold
  there is not shown.
- **More threads, longer runs.** Scenarios have two to four threads with a few operations each, on
  a heap of a few pages. Nothing is concluded from them about larger programs. \`ptfrag replay\` runs
  on real threads for long, and explores nothing completely.
- **Page tables in full size.** Tables of scenarios have two entries of a model's format, or four of
  s390, RISC-V, x86-64 or powerpc radix (pages of 4 KiB), in trees of two or three levels. The other
  two powerpc formats have the same bits but for the size of a table.
- **All waits that end early.** A wait without a time limit ends in the checker only when another
  thread wakes the sleeper. (One scenario, about the lock, lets waits end without that.) A wait with
  a time limit lets its thread look again only after another thread changed a word that the thread
  has read, or once after the thread itself did. More often it looks again only where no thread can
  go on otherwise. Executions in which the thread looks again without any such change are not
  explored. A thread that would wait for ever is a failure.
- **Orders of plain accesses.** Plain accesses are not interleaved but checked for races: two of
  them to one word, one of them a write, which nothing orders, are a failure. Where there is no
  race, no thread can see their order.
- **Code that no scenario runs**: the library's handles (\`src/api/\`), replay, and the engine below;
  and of the core what is listed [at the end](#what-no-scenario-runs).
- **Several deaths.** Where threads are killed, one dies in the middle of an operation, and then
  whoever recovers what it left. Two that die in operations of their own at once are explored of the
  records alone that say who recovers what. The core's variants are not recovered.
- **What a change would not show.** \`npm run mutants\` changes the core in every place by rules, and
  prints which changes no scenario notices.
`;
