/** What the command loads: no more than what it is asked for needs. */
import { expect, it } from 'vitest';
import { COMMANDS } from '#src/cli/commands.js';
import { ptfragProcess } from '../fixtures/command.js';

/** Has Node say on stderr which of our modules it loads in the main thread, or in a worker. */
const SAY_LOADED = `data:text/javascript,${encodeURIComponent(`
  import { register } from 'node:module';
  register('data:text/javascript,' + encodeURIComponent(\`
    import { writeSync } from 'node:fs';
    export async function load(url, context, next) {
      const path = url.split('/dist/')[1];
      if (path && !url.includes('node_modules')) writeSync(2, 'loaded ' + path + '\\\\n');
      return next(url, context);
    }
  \`));
`)}`;

async function loadedBy(...args: readonly string[]): Promise<string[]> {
  const { status, stderr } = await ptfragProcess(args, { node: ['--import', SAY_LOADED] });
  expect(status).toBe(0);
  return [...stderr.matchAll(/^loaded (.*)$/gm)].map(([, path]) => path as string);
}

const rooms = (paths: readonly string[]): string[] => [
  ...new Set(paths.map((path) => path.replace(/\/[^/]*$/, ''))),
];

it.each([['--help'], ['--version'], ['help']])('loads no command for %s', async (flag) => {
  const loaded = await loadedBy(flag);
  expect(loaded).toContain('cli/main.js');
  expect(rooms(loaded).sort()).toEqual(['cli', 'cli/shell', 'core/base', 'report']);
  expect(loaded.length).toBeLessThan(20);
});

it.each(COMMANDS)(
  "loads for a command's help neither recordings, designs nor model: %s",
  async (name) => {
    const loaded = await loadedBy(name, '--help');
    expect(loaded).toContain(`cli/${name}/${name}.js`);
    expect(loaded).not.toContain(`cli/${name}/work.js`);
    expect(rooms(loaded).filter((room) => /^(?:checker|lab\/(?!import))/.test(room))).toEqual([]);
    // The most are those of the cores, which the help of check names.
    expect(loaded.length).toBeLessThan(55);
  },
);

it('loads for a job what that job needs', async () => {
  const loaded = await loadedBy('doctor');
  expect(loaded).toContain('cli/doctor/work.js');
  expect(rooms(loaded).filter((room) => /^(?:checker|lab|cli\/check)/.test(room))).toEqual([]);
});
