/** `AttachedThread.read`: what is found inside stays, so the function may not go on outside. */
import { attach, createHeap, UsageError } from 'ptfrag';
import { describe, expect, it } from 'vitest';

// What the compiler refuses is in test/fixtures/typed/read.ts: here it is not asked.
const ASYNCHRONOUS: Readonly<Record<string, () => unknown>> = {
  'an asynchronous function': async () => {},
  'a function whose result is a promise': () => Promise.resolve(1),
  'a function whose result is thenable': () => {
    // biome-ignore lint/suspicious/noThenProperty: such objects are what is refused.
    return { then: () => {} };
  },
  'a generator': function* () {},
  'an asynchronous generator': async function* () {},
  'a function whose result is an iterator': () => [1].values(),
};

describe('read', () => {
  it.each(Object.entries(ASYNCHRONOUS))('refuses %s, and has left the section', (_, section) => {
    const thread = attach(createHeap({ pages: 4 }).buffer);
    const refused = expect.objectContaining({ code: 'async-read' });
    expect(() => thread.read(section)).toThrow(UsageError);
    expect(() => thread.read(section)).toThrow(refused);
    // Inside a section it would be refused.
    thread.detach();
  });

  it('says of a generator that its elements come later', () => {
    const thread = attach(createHeap({ pages: 4 }).buffer);
    const section = function* (): Generator<number> {
      yield 1;
    };
    expect(() => thread.read(section as () => unknown)).toThrow('is a generator, or returns an it');
    // What a user walks by has a `next`, too: only what `for` takes goes on by itself.
    const cursor = { next: () => 1 };
    expect(thread.read(() => cursor)).toBe(cursor);
    thread.detach();
  });

  it('says that the function began all the same', () => {
    const thread = attach(createHeap({ pages: 4 }).buffer);
    let calls = 0;
    const section = async (): Promise<void> => void calls++;
    expect(() => thread.read(section as () => unknown)).toThrow('from its first await on');
    expect(calls).toBe(1);
    thread.detach();
  });

  it.each([
    0,
    null,
    undefined,
    '',
    Object.fromEntries([['then', 1]]),
    () => 1,
    new Proxy({}, {}),
    new Map(),
    'text',
    { next: 1 },
  ])('returns whatever else there is: %s', (value) => {
    const thread = attach(createHeap({ pages: 4 }).buffer);
    expect(thread.read(() => value as unknown)).toBe(value);
    thread.detach();
  });
});
