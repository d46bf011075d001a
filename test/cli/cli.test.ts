/** The command line: help, what is refused and how, and the documents that scripts read. */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { COMMANDS } from '#src/cli/commands.js';
import { documentIn, keyPaths, ptfrag, ptfragProcess } from '../fixtures/command.js';
import { bundled, canon, TraceFolder } from '../fixtures/trace-files.js';

const folder = new TraceFolder();

afterAll(() => folder.remove());

const QUICK = bundled('s390x/quick.canon');

const FAILURE_KEYS = [
  'command',
  'error.code',
  'error.expected',
  'error.file',
  'error.line',
  'error.message',
  'ok',
  'schema',
  'verdict',
];

const NAMES = COMMANDS.map(([name]) => name);

/** A help is read at once. */
const SCREEN_LINES = 40;

/** Lines that the narrowest of terminals would break. */
const tooLong = (text: string): string[] => text.split('\n').filter((line) => line.length > 80);

describe('help', () => {
  it('is what ptfrag alone prints, with examples and exit codes', async () => {
    const alone = await ptfragProcess([]);
    expect(alone).toMatchObject({ status: 0, stderr: '' });
    expect(await ptfrag(['--help'])).toEqual(alone);
    for (const word of ['Examples:', 'Exit codes: 0 holds']) expect(alone.stdout).toContain(word);
    for (const name of NAMES) expect(alone.stdout).toMatch(new RegExp(`^  ${name}  +\\w`, 'm'));
    expect(tooLong(alone.stdout)).toEqual([]);
  });

  it.each(NAMES)('is there for %s', async (command) => {
    const { status, stdout, stderr } = await ptfrag([command, '--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(`Usage: ptfrag ${command}`);
    expect(stdout).toContain('--json');
    expect(stdout).toContain('130 interrupted');
    expect(stdout.includes('s390x/mix.canon')).toBe(
      ['compare', 'replay', 'oracle'].includes(command),
    );
    expect(tooLong(stdout)).toEqual([]);
    expect(stdout.split('\n').length).toBeLessThanOrEqual(SCREEN_LINES);
    expect(await ptfrag(['help', command])).toEqual({ status, stdout, stderr });
  });

  it('is no substitute for a command behind --, which runs', async () => {
    const run = await ptfrag(['--', 'doctor']);
    expect(run).toEqual(await ptfrag(['doctor']));
    expect(run.stdout).toContain('\nholds: ');
    expect((await ptfrag(['--', 'compare', 'nix'])).status).toBe(2);
  });

  it('knows the version', async () => {
    const { version } = JSON.parse(
      readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
    );
    expect(await ptfragProcess(['--version'])).toEqual({
      status: 0,
      stdout: `${version}\n`,
      stderr: '',
    });
  });
});

describe('a command line that can not be', () => {
  it.each([
    ['compre', 'unknown-command', "unknown command 'compre' (Did you mean compare?)"],
    ['compare --nix', 'unknown-option', "unknown option '--nix'"],
    ['compare --gp 0', 'invalid-argument', 'Expected a whole number from 1 to'],
    ['compare s390x/quick --design nix', 'no-such-design', 'no design nix; there are: common'],
    ['oracle s390x/quick --design mail', 'no-such-design', 'no rule of a kernel mail; there are:'],
    ['compare s390x/quick --seed 2', 'no-defer', '--seed is for --defer only'],
    ['replay', 'missing-argument', "missing required argument 'TRACE'"],
    ['replay a b', 'excess-arguments', 'too many arguments'],
    ['replay s390x/quick --threads 1.5', 'invalid-argument', 'Expected a whole number'],
    ['replay s390x/quick --geometry nix', 'invalid-argument', 'Allowed choices are s390, powerpc'],
    ['replay s390x/quick --sharing nix', 'invalid-argument', 'Allowed choices are mm, all'],
    ['replay s390x/quick --threads 1 --design nix', 'no-such-design', 'there are: common'],
    ['replay s390x/quick --threads 2 --design nix', 'design-needs-one-thread', '--threads 1'],
    ['replay s390x/quick --threads 64 --readers 64', 'bad-threads', 'together at most 64'],
  ])('is told what is wrong: %s', async (line, code, message) => {
    const run = await ptfrag([...line.split(' '), '--json']);
    expect(run.status).toBe(2);
    expect(run.stderr).toContain(message);
    expect(run.stderr).toMatch(/^ptfrag: .*\nsee: .* --help\n$/);
    const document = documentIn(run);
    expect(keyPaths(document)).toEqual(FAILURE_KEYS);
    expect(document).toMatchObject({ schema: 1, verdict: 'inconclusive', ok: false });
    expect(document.error).toMatchObject({ code, file: null, line: null, expected: null });
    expect(document.error?.message).toContain(message);
  });

  it.each([
    'compare --nix',
    'compare s390x/quick --design nix',
    'oracle --design nix',
    'oracle nix',
    'oracle s390x/quick --design powerpc-6.1',
    'check nix',
    'check --mutant nix',
    'replay nix',
    'replay s390x/quick --threads 1 --design nix',
  ])('prints nothing on stdout without --json: %s', async (line) => {
    expect(await ptfrag(line.split(' '))).toMatchObject({ status: 2, stdout: '' });
  });
});

describe('a file that is no recording', () => {
  const whole = readFileSync(QUICK);
  const cases: readonly (readonly [string, () => string, string, number])[] = [
    ['not there', () => `${folder.path}/nix`, 'not-found', 0],
    ['a folder', () => folder.path, 'is-a-directory', 0],
    ['empty', () => folder.write(''), 'not-a-trace', 0],
    ['cut off', () => folder.write(whole.subarray(0, whole.length / 2)), 'truncated', -1],
    ['other text', () => folder.write('what\never\n'), 'not-a-trace', 1],
    ['other data', () => folder.write(gzipSync(whole)), 'not-a-trace', 1],
    ['wrong in a line', () => folder.write(canon('I m1', 'H m1 nix')), '', 3],
  ];

  it.each(cases)('is refused with its place: %s', async (_name, make, code, line) => {
    const file = make();
    const commands = ['compare', 'replay', 'oracle'];
    const runs = await Promise.all(commands.map((name) => ptfrag([name, file, '--json'])));
    for (const [at, run] of runs.entries()) {
      const command = commands[at];
      expect(run.status).toBe(2);
      expect(run.stderr).toMatch(/^ptfrag: [^\n]*\n$/);
      expect(run.stderr).toContain(file);
      const { error, ...rest } = documentIn(run);
      expect(rest).toMatchObject({ schema: 1, command, verdict: 'inconclusive', ok: false });
      expect(error).toMatchObject({ file, expected: expect.stringMatching(/./) });
      if (code !== '') expect(error?.code).toBe(code);
      if (line >= 0) expect(error?.line).toBe(line);
      else expect(error?.line).toBeGreaterThan(100);
    }
  });

  it('does not undo what was found before it', async () => {
    const run = await ptfrag(['compare', QUICK, folder.write(''), '--json']);
    const document = documentIn<{ references: { trace: string }[] }>(run);
    expect(document).toMatchObject({ verdict: 'inconclusive', ok: false });
    expect(document.references.map(({ trace }) => trace)).toEqual([QUICK]);
  });
});

describe('doctor', () => {
  it('says what this machine supports', async () => {
    const { status, stdout } = await ptfrag(['doctor']);
    expect(status).toBe(0);
    for (const name of ['Node', 'SharedArrayBuffer', 'blocking waits', 'cores', 'WebAssembly']) {
      expect(stdout).toMatch(new RegExp(`^(?:ok|without) +${name} `, 'm'));
    }
    expect(stdout).toMatch(/^ok +largest reservation +\d+ [GM]iB /m);
    expect(stdout).toContain('\nholds: ');
  });

  it('has a document', async () => {
    const run = await ptfrag(['doctor', '--json']);
    expect(run).toMatchObject({ status: 0, stderr: '' });
    const checks = ['found', 'name', 'needed', 'note', 'ok'].map((key) => `checks[].${key}`);
    const rest = ['command', 'cores', 'node', 'ok', 'platform', 'reservationBytes'];
    expect(keyPaths(documentIn(run))).toEqual([...checks, ...rest, 'schema', 'verdict'].sort());
  });
});
