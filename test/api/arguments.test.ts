/**
 * Every parameter of every public function, and every field of its options, given every kind of
 * value: a `UsageError` with a code that shows what was given, and no word of the heap has changed.
 * Only what the caller's own code throws, asked for a property, passes instead; before any change.
 */
import * as ptfrag from 'ptfrag';
import { attach, createHeap, UsageError } from 'ptfrag';
import * as pgtable from 'ptfrag/pgtable';
import { createSpace, PROT } from 'ptfrag/pgtable';
import * as recovery from 'ptfrag/recovery';
import { describe, expect, it, vi } from 'vitest';
import {
  LOCKS,
  ROWS,
  readable,
  SHAPES,
  SPEAKS_OF,
  shows,
  THROWN,
  VALUES,
  type World,
} from '../support/given.js';
import {
  type Callable,
  fieldsOf,
  functionsOf,
  methodsOf,
  otherMembersOf,
  type Parameter,
} from '../support/published.js';

// What recoverAtRelease asks unless it is given another one.
vi.stubGlobal('navigator', { locks: LOCKS });

/** As thread.ts and space.ts have them: without a parameter there is nothing to be judged. */
const CALLABLES: readonly (Callable & { readonly entry: string })[] = [
  ...functionsOf('.', ptfrag).map((each) => ({ ...each, entry: '.' })),
  ...methodsOf('.', 'AttachedThread').map((each) => ({ ...each, entry: '.' })),
  ...functionsOf('./pgtable', pgtable).map((each) => ({ ...each, entry: './pgtable' })),
  ...functionsOf('./recovery', recovery).map((each) => ({ ...each, entry: './recovery' })),
  ...methodsOf('./pgtable', 'AddressSpace')
    // Only the package makes them, and does not publish the class.
    .filter(({ name }) => name !== 'constructor')
    .map((each) => ({ ...each, entry: './pgtable' })),
];

function makeWorld(): World {
  const { buffer } = createHeap({ pages: 24, threadsMax: 4, mmsMax: 4 });
  const [thread, other] = [attach(buffer), attach(buffer)];
  const mm = thread.createMm();
  const space = createSpace(thread);
  space.mapRange(0x10000, 8192, 0, PROT.read);
  thread.enterMm(mm);
  return {
    buffer,
    thread,
    other,
    mm,
    table: thread.allocTable(mm),
    space,
    tlb: space.createTlb(2),
  };
}

function rowOf({ name, type }: Parameter): (typeof ROWS)[string] {
  const row = ROWS[`${name}: ${type}`];
  if (row !== undefined) return row;
  throw new Error(`test/support/given.ts has no row for the parameter \`${name}: ${type}\``);
}

function call({ owner, name }: Callable, world: World, given: readonly unknown[]): unknown {
  if (name === 'constructor') return Reflect.construct(ptfrag.AttachedThread, given);
  const { thread, space } = world;
  const target = owner === 'AttachedThread' ? thread : owner === 'AddressSpace' ? space : null;
  const functions = { ...ptfrag, ...pgtable, ...recovery } as unknown as Record<string, unknown>;
  const callee = target === null ? functions[name] : (target as never)[name];
  return Reflect.apply(callee as () => unknown, target, given);
}

/** What came of a call: the error, or null. One that returns a promise must not throw. */
async function outcome(callable: Callable, run: () => unknown): Promise<unknown> {
  try {
    const returned = run();
    if (returned instanceof Promise) await returned;
    else expect(callable.name).not.toMatch(/Async$/);
  } catch (error) {
    return error;
  }
  return null;
}

/** Calls with one argument or field exchanged, and says what is wrong with what came of it. */
async function faultOf(
  callable: Callable,
  world: World,
  given: readonly unknown[],
  value: unknown,
  mayBe: boolean,
): Promise<string | null> {
  const words = new Int32Array(world.buffer);
  if (/^walk/.test(callable.name)) world.thread.readLock();
  const before = words.slice();
  let threw = false;
  const error = await outcome(callable, () => {
    try {
      return call(callable, world, given);
    } catch (thrown) {
      threw = true;
      throw thrown;
    }
  });
  if (error === null) return mayBe ? null : 'was accepted';
  if (threw && /Async$/.test(callable.name)) return 'threw, and did not reject';
  const at = before.findIndex((word, index) => words[index] !== word);
  if (error === THROWN) return at < 0 ? null : `was asked after word ${at} was changed`;
  if (!(error instanceof UsageError)) return mayBe ? null : `threw ${String(error)}`;
  const { code, message } = error;
  if (!/^[a-z]+(-[a-z]+)*$/.test(code)) return `has no code: ${code}`;
  if (at >= 0) return `changed word ${at}`;
  const [, spokenOf = callable.name] = SPEAKS_OF.exec(message) ?? [];
  if (spokenOf !== callable.name && CALLABLES.some(({ name }) => name === spokenOf)) {
    return `speaks of another call: ${message}`;
  }
  return shows(message, value) ? null : `does not say what was given: ${message}`;
}

/** All values in one place; a world is used again as long as it is as it was. */
async function faultsOf(
  callable: Callable,
  parameter: Parameter,
  givenFor: (world: World, value: unknown) => readonly unknown[],
): Promise<string[]> {
  const { mayBe = () => false } = rowOf(parameter);
  const faults: string[] = [];
  for (const value of VALUES) {
    const world = makeWorld();
    const given = givenFor(world, value);
    const fault = await faultOf(callable, world, given, value, mayBe(value));
    if (fault !== null) faults.push(`${parameter.name} = ${readable(value)} ${fault}`);
    // Nobody holds a lock, whatever was thrown.
    world.other.freeTable(world.mm, world.other.allocTable(world.mm));
  }
  return faults;
}

function rightFor(callable: Callable, world: World): unknown[] {
  return callable.parameters.map((parameter) => rowOf(parameter).right(world));
}

/** The shapes of a function's options, down to a geometry's kinds, and how to give one. */
interface ShapeAt {
  readonly name: string;
  readonly fields: readonly Parameter[];
  readonly wrap: (shape: object) => object;
}

function shapesOf(
  entry: string,
  type: string,
  wrap: ShapeAt['wrap'] = (shape) => shape,
): ShapeAt[] {
  const fields = fieldsOf(entry, type);
  if (fields === null) return [];
  const inner = (name: string, put: (shape: object) => object): ShapeAt[] =>
    shapesOf(entry, name, (shape) => wrap({ ...SHAPES[type], ...put(shape) }));
  return [
    { name: type, fields, wrap },
    ...(type === 'HeapOptions' ? inner('Geometry', (geometry) => ({ geometry })) : []),
    ...(type === 'Geometry' ? inner('TableKind', (kind) => ({ kinds: [kind] })) : []),
  ];
}

const namesOf = (parameters: readonly Parameter[]): string =>
  parameters.map(({ name }) => name).join(', ') || 'none';

const named = ({ owner, name }: Callable): string => (owner === null ? name : `${owner}.${name}`);

describe.each(CALLABLES.map((callable) => [named(callable), callable] as const))(
  '%s',
  (_, callable) => {
    const { parameters, entry } = callable;

    it(`judges its arguments: ${namesOf(parameters)}`, async () => {
      for (const [position, parameter] of parameters.entries()) {
        const givenFor = (world: World, value: unknown): unknown[] =>
          rightFor(callable, world).with(position, value);
        expect(await faultsOf(callable, parameter, givenFor)).toEqual([]);
      }
      expect(parameters.every(({ name }) => name !== '')).toBe(true);
    });

    const position = parameters.findIndex(({ name }) => name === 'options');
    if (position < 0) return;
    for (const { name, fields, wrap } of shapesOf(entry, parameters[position]?.type ?? '')) {
      it(`judges each field of ${name}`, async () => {
        expect(fields.length).toBeGreaterThan(0);
        for (const field of fields) {
          const givenFor = (world: World, value: unknown): unknown[] =>
            rightFor(callable, world).with(
              position,
              wrap({ ...SHAPES[name], [field.name]: value }),
            );
          expect(await faultsOf(callable, field, givenFor)).toEqual([]);
        }
      });

      it(`reads each field of ${name} once`, async () => {
        const world = makeWorld();
        const reads = new Map<PropertyKey, number>();
        const all = Object.fromEntries(
          fields.map((field) => [field.name, rowOf(field).right(world)]),
        );
        const counted = new Proxy(
          { ...all, ...SHAPES[name] },
          {
            get: (target, key) => {
              reads.set(key, (reads.get(key) ?? 0) + 1);
              return (target as never)[key];
            },
          },
        );
        const given = rightFor(callable, world).with(position, wrap(counted));
        expect(await outcome(callable, () => call(callable, world, given))).toBeNull();
        expect([...reads].filter(([, count]) => count > 1)).toEqual([]);
        expect(reads.size).toBeGreaterThan(0);
      });
    }
  },
);

/** Names of a class's own members, and of those that it inherits from classes of the package. */
function memberNames(prototype: object): string[] {
  const base: object = Object.getPrototypeOf(prototype);
  const inherited = base === Object.prototype ? [] : memberNames(base);
  return [...new Set([...inherited, ...Object.getOwnPropertyNames(prototype)])];
}

describe('what is published', () => {
  it.each([
    ['AttachedThread', '.', ptfrag.AttachedThread.prototype],
    ['AddressSpace', './pgtable', Object.getPrototypeOf(makeWorld().space)],
  ])('of %s every method was found in the declarations', (owner, entry, prototype) => {
    const found = CALLABLES.filter((each) => each.owner === owner).map(({ name }) => name);
    const others = [...otherMembersOf(entry, owner), 'constructor', 'toString', 'toJSON'];
    const there = memberNames(prototype).filter((name) => !others.includes(name));
    expect(found.filter((name) => name !== 'constructor').sort()).toEqual(there.sort());
    expect(there.length).toBeGreaterThan(15);
  });
});
