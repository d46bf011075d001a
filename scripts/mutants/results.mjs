/**
 * The results file: one line of JSON for each scenario's coverage and for each mutant's end. Lines
 * are only added, so a run that was stopped goes on where it was; each says which build it is of.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

const hashOf = (parts) =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);

/** Names a mutant by the text of its module and the change: in whatever build has that module. */
export function changeOf({ file, start, end, replacement }, text) {
  return hashOf([file, text, start, end, replacement]);
}

/** Names a mutant in one build: another one may have other scenarios, or other code around. */
export function keyOf(build, change) {
  return hashOf([build, change]);
}

export class Results {
  constructor(path, build) {
    this.path = path;
    this.build = build;
    this.coverage = new Map();
    this.mutants = new Map();
    /** What became of a mutant when it was run last, in any build. */
    this.before = new Map();
    if (!existsSync(path)) return;
    // The last line may be half of one, of a run that was killed.
    for (const line of readFileSync(path, 'utf8').split('\n').slice(0, -1))
      this.take(JSON.parse(line));
  }

  take(line) {
    const isOurs = line.build === this.build;
    if (line.kind === 'coverage') {
      if (isOurs) this.coverage.set(line.name, line);
      return;
    }
    if (isOurs) this.mutants.set(line.key, line);
    this.before.set(line.change, line);
  }

  add(line) {
    const whole = { build: this.build, ...line };
    appendFileSync(this.path, `${JSON.stringify(whole)}\n`);
    this.take(whole);
  }
}
