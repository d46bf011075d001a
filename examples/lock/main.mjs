/** Explores every interleaving of two threads that count under each lock. */
import { check, formatFailure } from 'ptfrag/model';
import * as broken from './broken.mjs';
import * as fixed from './fixed.mjs';

const [LOCK, COUNT] = [0, 1];

const countUnder = (name, { acquire, release }) => ({
  name,
  about: 'Two threads add 1 under one lock: none is lost.',
  rules: ['alone'],
  words: 2,
  threads: 2,
  mustSee: ['both counted'],
  setup: ({ memory, see }) => {
    const count = () => {
      acquire(memory, LOCK);
      memory.poke(COUNT, memory.peek(COUNT) + 1); // plainly: the lock has to order it
      release(memory, LOCK);
    };
    return {
      threads: [[count], [count]],
      atEnd: () => {
        const sum = memory.peek(COUNT);
        if (sum === 2) see('both counted');
        return sum === 2 ? [] : [{ rule: 'alone', detail: `2 additions made ${sum}` }];
      },
      nameWord: (word) => ['LOCK', 'COUNT'][word],
    };
  },
});

const EXPECTED = { broken: 'violated', fixed: 'holds' };

for (const [name, lock] of Object.entries({ broken, fixed })) {
  const scenario = countUnder(`counter-vs-counter+${name}`, lock);
  const { verdict, failure } = check(scenario);
  console.log(`${name} lock: ${verdict}`);
  if (verdict !== EXPECTED[name]) process.exitCode = 1;
  if (failure !== null) console.log(`\n${formatFailure(scenario, failure).join('\n')}\n`);
}
