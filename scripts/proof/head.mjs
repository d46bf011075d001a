/** What stands before the tables of docs/proof.md. */

export const HEAD = `# Proof

Which rule is kept by what, and how that is shown. This page is made by \`npm run docs:proof\` from
[requirements.md](requirements.md), the checker's scenarios and its mutants; a test compares it with
what they give now. How to use the checker: [checker.md](checker.md).

## What is shown

\`ptfrag check\` runs the functions that ship, on a memory of its own and one shared access at a time,
and explores every interleaving of each scenario below up to equivalence: executions that differ
only in the order of accesses that do not interfere are one execution. In each it looks for races,
for broken rules, for what the scenario forbids, and for threads that would wait for ever.

- **Sound**: a scenario that is said to hold, and was explored completely, holds in every
  interleaving of its accesses, but for what is listed below. No failure of it is missed.
- **Complete**: what is reported as a failure is one. It comes with a schedule that the code can
  follow, and that anybody can replay.
- **Not vacuous**: a scenario names what some execution must have seen, and fails if none did. And
  for each safeguard there is a mutant, a build without it, that its scenario must catch.

## What is not

- **Weaker memory models.** Shared accesses are JavaScript's, sequentially consistent where atomic.
  Linux orders less by default; that the protocol would need no more is not shown.
- **More threads, longer runs.** Both words hold for the scenarios: two or three threads with a few
  operations each, on a heap of a few pages. Nothing is concluded from them about larger ones; long
  runs on real threads are another tool's.
- **Waits that return early.** A wait without a time limit ends in the model by a notify only,
  but in the scenario that is about early returns (of the lock's). One
  with a limit looks again only if there is news, a change by another thread to a word that it has
  read since; its own changes are news just once in a row (LOOKS_MAX in \`src/checker/model/sleep.ts\`).
  Executions in which it looks in vain more often are not explored. Whoever would wait for ever is a
  failure.
- **Orders of plain accesses.** They are not interleaved but checked for races: two that touch the
  same word, one of them a write, and that nothing orders are a failure. Where there is none, their
  order cannot be seen.
- **What scenarios do not run**: the library's handles (\`src/api/\`), the architectures, replay, the
  memory over a SharedArrayBuffer, the engine below it; and threads that are killed.
`;
