/**
 * Messages speak of what users call: no text of the library names a function that is not published,
 * and what a call throws does not begin with the name of another.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as ptfrag from 'ptfrag';
import { type AttachedThread, attach, createHeap, type MmId, UsageError } from 'ptfrag';
import * as pgtable from 'ptfrag/pgtable';
import { type AddressSpace, createSpace, openSpace, PROT } from 'ptfrag/pgtable';
import * as recovery from 'ptfrag/recovery';
import { describe, expect, it } from 'vitest';
import type { SharedMemory } from '#src/core/mem/shared.js';
import { SPEAKS_OF } from '../support/given.js';
import { fieldsOf, functionsOf, methodsOf } from '../support/published.js';

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));

const PUBLIC = new Set([
  ...Object.keys({ ...ptfrag, ...pgtable, ...recovery }),
  ...[...functionsOf('.', ptfrag), ...functionsOf('./pgtable', pgtable)].map(({ name }) => name),
  ...methodsOf('.', 'AttachedThread').map(({ name }) => name),
  ...methodsOf('./pgtable', 'AddressSpace').map(({ name }) => name),
  ...(fieldsOf('.', 'HeapOptions') ?? []).map(({ name }) => name),
]);

interface Module {
  readonly path: string;
  readonly code: string;
}

function modules(): Module[] {
  return ['api', 'core'].flatMap((room) =>
    readdirSync(DIST + room, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.js'))
      .map((name) => ({
        path: `${room}/${name}`,
        code: readFileSync(`${DIST}${room}/${name}`, 'utf8'),
      })),
  );
}

/** Names in camelCase that a module has functions by: alone, a verb would be a word of English. */
function functionNames({ code }: Module): string[] {
  const found = code.matchAll(
    /\bfunction\*? (\w+)\(|^ {4}(?:static |async )*\*?(\w+)\([^)]*\) \{$/gm,
  );
  return [...found]
    .map(([, name, method]) => name ?? method ?? '')
    .filter((name) => /[a-z][A-Z]/.test(name));
}

/** Texts in quotes, without what is computed in them; no imports, no comments. */
function texts({ code }: Module): string[] {
  const plain = code.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$|^(?:import|export) .*;$/gm, '');
  const found = plain.matchAll(/'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`|"((?:[^"\\\n]|\\.)*)"/g);
  return [...found].map((quoted) =>
    (quoted[1] ?? quoted[2] ?? quoted[3] ?? '').replace(/\$\{[^}]*\}/g, ' '),
  );
}

describe('texts of the library', () => {
  const all = modules();
  const internal = new Set(all.flatMap(functionNames).filter((name) => !PUBLIC.has(name)));

  it('name no function that is not published', () => {
    expect(internal.size).toBeGreaterThan(200);
    for (const name of ['rcuReadLock', 'growSupply', 'lockMm']) expect(internal).toContain(name);
    for (const name of ['readLock', 'tablesOf', 'walkCached']) expect(PUBLIC).toContain(name);
    const named = all.flatMap((module) =>
      texts(module).flatMap((text) =>
        (text.match(/\w+/g) ?? [])
          .filter((word) => internal.has(word))
          .map((word) => `${module.path}: ${word} in '${text}'`),
      ),
    );
    expect(named).toEqual([]);
  });
});

const RW = PROT.read | PROT.write;
const PAGE = 4096;
const BIG = 512 * PAGE;

interface Scene {
  readonly thread: AttachedThread;
  readonly space: AddressSpace;
  /** Of an mm that was destroyed. */
  readonly ended: MmId;
}

function makeScene(flavour: 'epoch' | 'qsbr' = 'epoch'): Scene {
  const { buffer } = createHeap({ pages: 24, mmsMax: 4 });
  const thread = attach(buffer, { flavour });
  const space = createSpace(thread);
  const ended = thread.createMm();
  thread.destroyMm(ended);
  return { thread, space, ended };
}

type Calls = Readonly<Record<string, (scene: Scene) => unknown>>;

const OF_ENDED: Calls = {
  destroyMm: ({ thread, ended }) => thread.destroyMm(ended),
  enterMm: ({ thread, ended }) => thread.enterMm(ended),
  leaveMm: ({ thread, ended }) => thread.leaveMm(ended),
  tablesOf: ({ thread, ended }) => thread.tablesOf(ended),
  allocTable: ({ thread, ended }) => thread.allocTable(ended),
  tryAllocTable: ({ thread, ended }) => thread.tryAllocTable(ended),
  allocTableAsync: ({ thread, ended }) => thread.allocTableAsync(ended),
  freeTable: ({ thread, ended }) => thread.freeTable(ended, 4096),
  openSpace: ({ thread, ended }) => openSpace(thread, ended),
};

const OF_WRONG_KIND: Calls = {
  allocTable: ({ thread, space }) => thread.allocTable(space.mm, 7),
  tryAllocTable: ({ thread, space }) => thread.tryAllocTable(space.mm, 7),
  allocTableAsync: ({ thread, space }) => thread.allocTableAsync(space.mm, 7),
};

const OF_ENDED_SPACE: Calls = {
  mapPage: ({ space }) => space.mapPage(0, 0, RW),
  mapRangeAsync: ({ space }) => space.mapRangeAsync(0, PAGE, 0, RW),
  unmapRangeAsync: ({ space }) => space.unmapRangeAsync(0, PAGE),
  protectAsync: ({ space }) => space.protectAsync(0, PAGE, RW),
  forkAsync: ({ space }) => space.forkAsync(),
  exit: ({ space }) => space.exit(),
  exitAsync: ({ space }) => space.exitAsync(),
};

const IN_SECTION: Calls = {
  synchronize: ({ thread }) => thread.synchronize(),
  synchronizeAsync: ({ thread }) => thread.synchronizeAsync(),
  barrier: ({ thread }) => thread.barrier(),
  barrierAsync: ({ thread }) => thread.barrierAsync(),
  reclaim: ({ thread }) => thread.reclaim(),
  detach: ({ thread }) => thread.detach(),
  quiescent: ({ thread }) => thread.quiescent(),
  offline: ({ thread }) => thread.offline(),
  createMm: ({ thread }) => thread.createMm({ waitMs: 1 }),
  allocTableAsync: ({ thread, space }) => thread.allocTableAsync(space.mm),
  mapRangeAsync: ({ space }) => space.mapRangeAsync(0, PAGE, 0, RW),
  exitAsync: ({ space }) => space.exitAsync(),
};

const OUTSIDE: Calls = {
  readUnlock: ({ thread }) => thread.readUnlock(),
  walk: ({ space }) => space.walk(0),
  walkCached: ({ space }) => space.walkCached(space.createTlb(1), 0),
};

/** Waits that begin outside of a section, and find the thread in one when they go on. */
const ENTERED_MEANWHILE: Calls = {
  synchronizeAsync: ({ thread }) => thread.synchronizeAsync(),
  barrierAsync: ({ thread }) => thread.barrierAsync(),
  mapRangeAsync: ({ thread, space }) =>
    space.mapRangeAsync(0, 8 * BIG, 0, RW, { onProgress: () => thread.readLock() }),
};

async function messageOf(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return 'nothing was thrown';
}

/** Whether a message that begins with what can be called begins with `name`. */
async function expectToSpeakOf(name: string, call: () => unknown): Promise<string> {
  const message = await messageOf(call);
  expect(message).not.toBe('nothing was thrown');
  const [, first = name] = SPEAKS_OF.exec(message) ?? [];
  if (PUBLIC.has(first)) expect(`${first} in: ${message}`).toBe(`${name} in: ${message}`);
  return message;
}

describe('what is thrown speaks of the call, of no other', () => {
  it.each(Object.entries(OF_ENDED))('for an mm that has ended: %s', async (name, call) => {
    const scene = makeScene();
    expect(await expectToSpeakOf(name, () => call(scene))).toContain('has ended');
  });

  it.each(Object.entries(OF_WRONG_KIND))('for no kind: %s', async (name, call) => {
    const scene = makeScene();
    expect(await expectToSpeakOf(name, () => call(scene))).toContain('no kind 7');
  });

  it.each(Object.entries(OF_ENDED_SPACE))('for an ended space: %s', async (name, call) => {
    const scene = makeScene();
    openSpace(scene.thread, scene.space.mm).exit();
    await expectToSpeakOf(name, () => call(scene));
  });

  it.each(Object.entries(IN_SECTION))('inside a section: %s', async (name, call) => {
    const scene = makeScene('qsbr');
    scene.thread.readLock();
    const message = await expectToSpeakOf(name, () => call(scene));
    expect(message).toMatch(new RegExp(`^${name} .*inside a read section`));
  });

  it.each(Object.entries(OUTSIDE))('outside of a section: %s', async (name, call) => {
    const scene = makeScene();
    expect(await expectToSpeakOf(name, () => call(scene))).toMatch(new RegExp(`^${name} `));
  });

  it.each(Object.entries(ENTERED_MEANWHILE))('in a section by now: %s', async (name, call) => {
    const scene = makeScene('qsbr');
    const other = attach((scene.thread.memory as SharedMemory).words.buffer);
    other.readLock();
    const begun = call(scene);
    if (name !== 'mapRangeAsync') scene.thread.readLock();
    const message = await expectToSpeakOf(name, () => begun);
    expect(message).toMatch(new RegExp(`^${name} inside a read section`));
  });
});
