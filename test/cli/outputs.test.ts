/** Files that commands leave behind: what they never replace, and that none is left by halves. */
import { type ChildProcess, execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withOutputs } from '#src/cli/shell/output-file.js';
import { writeOutput, writeStream } from '#src/cli/shell/output-stream.js';
import { documentIn, type Finished, ptfrag, ptfragProcess } from '../fixtures/command.js';
import { signalAfter } from '../fixtures/signals.js';
import { bundled } from '../fixtures/trace-files.js';

const EXEC = '1 execve("/a", ["a"], 0x1 /* 1 var */) = 0\n';
const STRACE = `${EXEC}1 brk(NULL) = 0x1000\n1 exit_group(0) = ?\n`;
const MAPPINGS = '[{"va": 4096, "pfn": 7, "prot": 3}]';

interface Writing {
  readonly name: string;
  /** Puts what the command reads there. */
  readonly input: (file: string) => void;
  /** The arguments that write `output`, whose name ends in .json. */
  readonly args: (input: string, output: string) => string[];
}

const compareTo =
  (option: string) =>
  (input: string, output: string): string[] => [
    ...['compare', input, '--design', 'whole-page'],
    ...[option, output],
  ];

const copyTrace = (file: string): void => copyFileSync(bundled('s390x/quick.canon'), file);

/** Every option that names a file to write. */
const WRITING: readonly Writing[] = [
  {
    name: 'import -o',
    input: (file) => writeFileSync(file, STRACE),
    args: (input, output) => ['import', input, '-o', output],
  },
  { name: 'compare --html', input: copyTrace, args: compareTo('--html') },
  { name: 'compare --perfetto', input: copyTrace, args: compareTo('--perfetto') },
  {
    name: 'image -o',
    input: (file) => writeFileSync(file, MAPPINGS),
    args: (input, output) => [
      ...['image', input, '--geometry', 's390'],
      ...['-o', output.replace(/\.json$/, '')],
    ],
  },
];

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ptfrag-outputs-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);

/** The input in place, and a run that writes to `output`. */
function run(writing: Writing, output: string): Promise<Finished> {
  return ptfrag([...writing.args(at('input.json'), output), '--json']);
}

function expectRefused(finished: Finished, why: string): void {
  expect(finished.status).toBe(2);
  expect(documentIn(finished)).toMatchObject({
    verdict: 'inconclusive',
    error: { code: 'bad-output', message: expect.stringContaining(why) },
  });
}

describe.each(WRITING)('$name', (writing) => {
  beforeEach(() => writing.input(at('input.json')));

  it('replaces a file as a whole, also through a link, and leaves nothing else', async () => {
    writeFileSync(at('old.json'), 'old', { mode: 0o600 });
    symlinkSync('old.json', at('link.json'));
    expect((await run(writing, at('link.json'))).status).toBe(0);
    expect(lstatSync(at('link.json')).isSymbolicLink()).toBe(true);
    expect(readFileSync(at('old.json'), 'utf8')).not.toBe('old');
    expect(statSync(at('old.json')).mode & 0o777).toBe(0o600);
    const names = readdirSync(folder).filter((name) => name !== 'link.bin');
    expect(names.sort()).toEqual(['input.json', 'link.json', 'old.json']);
  });

  it('does not replace what it reads, whatever its name', async () => {
    linkSync(at('input.json'), at('hard.json'));
    symlinkSync('input.json', at('soft.json'));
    const before = readFileSync(at('input.json'));
    const names = readdirSync(folder);
    for (const name of [at('input.json'), `${folder}/./input.json`, at('hard.json')]) {
      expectRefused(await run(writing, name), 'it is read: ');
    }
    expectRefused(await run(writing, at('soft.json')), 'it is read: ');
    expect(readFileSync(at('input.json'))).toEqual(before);
    expect(readdirSync(folder)).toEqual(names);
  });

  it('replaces no link to nothing, no pipe, no device, no folder', async () => {
    symlinkSync('nothing.json', at('dangling.json'));
    symlinkSync('/dev/null', at('device.json'));
    execFileSync('mkfifo', [at('pipe.json')]);
    symlinkSync(folder, at('folder.json'));
    const names = readdirSync(folder);
    expectRefused(await run(writing, at('dangling.json')), 'it is a link to nothing');
    expectRefused(await run(writing, at('device.json')), 'it is not a regular file');
    expectRefused(await run(writing, at('pipe.json')), 'it is not a regular file');
    expectRefused(await run(writing, at('folder.json')), 'it is a directory');
    expectRefused(await run(writing, at('none/a.json')), 'its folder is not there');
    expectRefused(await run(writing, at('input.json/a.json')), 'its folder is not a folder');
    expect(readdirSync(folder)).toEqual(names);
    expect(lstatSync(at('pipe.json')).isFIFO()).toBe(true);
  });

  it('is given the name of a file', async () => {
    const names = readdirSync(folder);
    for (const name of ['', '-', `${folder}/none/`]) {
      expectRefused(await run(writing, name), 'expected the name of a file');
    }
    expect(readdirSync(folder)).toEqual(names);
  });

  it('says that an input is not there before it speaks of the output', async () => {
    rmSync(at('input.json'));
    const finished = await run(writing, at('none/a.json'));
    expect(finished.status).toBe(2);
    expect(documentIn(finished).error).toMatchObject({ code: 'not-found', file: at('input.json') });
  });
});

describe('a device', () => {
  it.each(['import -o', 'compare --html'])('stays one: %s', async (name) => {
    const writing = WRITING.find((each) => each.name === name) as Writing;
    writing.input(at('input.json'));
    for (const device of ['/dev/null', '/dev/full']) {
      expectRefused(await run(writing, device), 'it is not a regular file');
      expect(lstatSync(device).isCharacterDevice()).toBe(true);
    }
  });
});

describe('outputs', () => {
  const signal = new AbortController().signal;
  const output = (name: string) => ({ option: '--output', file: at(name) });

  it('are not there before all are whole', async () => {
    await withOutputs([output('a'), output('b')], [], async ([a, b]) => {
      await writeOutput(a!, ['one'], signal);
      expect(existsSync(at('a'))).toBe(false);
      await writeOutput(b!, new Uint8Array([52, 50]), signal);
      expect(existsSync(at('b'))).toBe(false);
    });
    expect([at('a'), at('b')].map((file) => readFileSync(file, 'utf8'))).toEqual(['one', '42']);
    expect(readdirSync(folder).sort()).toEqual(['a', 'b']);
  });

  it('are refused where one would replace the other', async () => {
    writeFileSync(at('a'), 'old');
    linkSync(at('a'), at('b'));
    const both = withOutputs([output('a'), output('b')], [], () => Promise.resolve());
    await expect(both).rejects.toThrow('--output writes it');
    const none = withOutputs([output('c'), output('./c')], [], () => Promise.resolve());
    await expect(none).rejects.toThrow('--output writes it');
    expect(readdirSync(folder).sort()).toEqual(['a', 'b']);
  });

  it('do not appear, and no scratch file, when the job fails', async () => {
    writeFileSync(at('a'), 'old');
    const failing = withOutputs([output('a')], [], async ([a], openScratch) => {
      openScratch();
      await writeOutput(a!, ['new'], signal);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(readdirSync(folder)).toEqual(['a']);
    expect(readFileSync(at('a'), 'utf8')).toBe('old');
  });

  it('do not replace what came there meanwhile, if it is no file', async () => {
    const late = withOutputs([output('a'), output('b')], [], async ([a, b]) => {
      await writeOutput(a!, ['new'], signal);
      await writeOutput(b!, ['new'], signal);
      execFileSync('mkfifo', [at('b')]);
    });
    await expect(late).rejects.toMatchObject({ code: 'not-written' });
    expect(readdirSync(folder)).toEqual(['b']);
    expect(lstatSync(at('b')).isFIFO()).toBe(true);
  });

  it('are refused where stdout goes', async () => {
    const fd = openSync(at('out.html'), 'w');
    const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
    const args = [main, 'compare', 's390x/quick', '--html', at('out.html')];
    expect(() => execFileSync(process.execPath, args, { stdio: ['ignore', fd, 'pipe'] })).toThrow(
      'stdout goes there',
    );
  });

  it('say what is wrong when a write fails', async () => {
    writeFileSync(at('a'), '');
    const closed = { ...output('a'), fd: openSync(at('a'), 'r') };
    await expect(writeOutput(closed, ['text'], signal)).rejects.toMatchObject({
      name: 'UsageError',
      code: 'not-written',
    });
    const stream = writeStream(closed);
    const failed = new Promise((resolve) => stream.on('error', resolve));
    stream.write('text');
    expect(await failed).toMatchObject({ code: 'not-written' });
  });
});

/** Says when the job has begun. */
const HERALDED: readonly string[] = [
  '--import',
  `data:text/javascript,${encodeURIComponent(
    `process.on('worker', () => process.stderr.write('begun\\n'));`,
  )}`,
];

/** The job isn't told to stop: only a second signal ends the command before long. */
const DEAF: readonly string[] = [
  '--import',
  `data:text/javascript,${encodeURIComponent(
    `import { Worker } from 'node:worker_threads';
     Worker.prototype.postMessage = () => process.stderr.write('stopping\\n');`,
  )}`,
];

/** Threads that are to explore a mutant never end, and say so. */
const STUCK: readonly string[] = [
  '--import',
  `data:text/javascript,${encodeURIComponent(
    `import { writeSync } from 'node:fs';
     import { parentPort } from 'node:worker_threads';
     const on = parentPort?.on;
     const stuck = () => {
       writeSync(2, 'stuck\\n');
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
     };
     if (on) parentPort.on = (event, listener) => on.call(parentPort, event,
       (task) => task.catalogue === undefined ? listener(task) : stuck());`,
  )}`,
];

/** Threads can't be ended either. */
const ENDLESS: readonly string[] = [
  '--import',
  `data:text/javascript,${encodeURIComponent(
    `import { Worker } from 'node:worker_threads';
     Worker.prototype.terminate = () => {
       process.stderr.write('stopping\\n');
       return new Promise(() => {});
     };`,
  )}`,
];

describe('a copy of the build with a mutant in it', () => {
  it.each([
    ['one signal', [], 'interrupted'],
    ['a second signal', ENDLESS, 'stopping'],
  ] as const)('is gone after %s', async (_what, more, said) => {
    const copies: string[] = [];
    const finished = await ptfragProcess(['check', '--mutant', 'lock-tests-then-sets'], {
      env: { TMPDIR: folder },
      node: [...STUCK, ...more],
      started: (child) => {
        child.stderr?.on('data', (text) => {
          if (`${text}`.includes('stuck')) copies.push(...readdirSync(folder));
        });
        signalAfter('stderr', 'stuck', 'SIGINT')(child);
        signalAfter('stderr', 'stopping', 'SIGINT')(child);
      },
    });
    expect(finished.status).toBe(130);
    expect(finished.stderr).toContain(said);
    expect(copies).toHaveLength(1);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('a signal', () => {
  /** Long enough to be stopped. */
  const long = (): string[] => [
    ...['compare', 's390x/mm2b', '--repeat', '500'],
    ...['--html', at('old.html'), '--perfetto', at('new.json')],
  ];

  /** Sends the signal once the outputs are open, which is when the job begins. */
  const signalWhenOpen =
    (signal: NodeJS.Signals) =>
    (child: ChildProcess): void => {
      const timer = setInterval(() => {
        if (!readdirSync(folder).some((name) => name.endsWith('.new'))) return;
        clearInterval(timer);
        child.kill(signal);
      }, 5);
      child.on('exit', () => clearInterval(timer));
    };

  beforeEach(() => writeFileSync(at('old.html'), 'old'));
  afterEach(() => {
    expect(readdirSync(folder)).toEqual(['old.html']);
    expect(readFileSync(at('old.html'), 'utf8')).toBe('old');
  });

  it.each([
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGQUIT', 131],
    ['SIGTERM', 143],
  ] as const)('leaves nothing behind: %s', async (signal, exitCode) => {
    const finished = await ptfragProcess(long(), { started: signalWhenOpen(signal) });
    expect(finished.status).toBe(exitCode);
    expect(finished.stderr).toContain(`(stopped by ${signal})`);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('leaves nothing behind the second time: %s', async (second, exitCode) => {
    const finished = await ptfragProcess(long(), {
      node: [...DEAF, ...HERALDED],
      started: (child) => {
        // Its job runs: what comes before it has begun ends the command at once.
        signalAfter('stderr', 'begun', 'SIGINT')(child);
        signalAfter('stderr', 'stopping', second)(child);
      },
    });
    expect(finished.status).toBe(exitCode);
    // The first would have said so.
    expect(finished.stderr).not.toContain('interrupted');
  });
});
