/**
 * Installs programs that tests ask, as packages of the system: QEMU, whose processors walk images in
 * test/core/pgtable/qemu.test.ts, and a browser for test/report/browser.test.ts. Only where CI or
 * PTFRAG_APT says that this machine may be changed, and only by apt-get. Anywhere else it says what
 * is missing; the tests are then skipped, and say it too.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Programs, and the packages of Debian and Ubuntu that have them. */
const PACKAGES = {
  chromium: 'chromium',
  'qemu-system-ppc64': 'qemu-system-ppc',
  'qemu-system-riscv64': 'qemu-system-misc',
  'qemu-system-s390x': 'qemu-system-s390x',
  'qemu-system-x86_64': 'qemu-system-x86',
};

const folders = (process.env.PATH ?? '').split(delimiter);
const isThere = (program) => folders.some((folder) => existsSync(join(folder, program)));
const missing = () => Object.keys(PACKAGES).filter((program) => !isThere(program));

/** Whether it worked; what it printed is of interest only if it did not. */
function run(command) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status, stdout, stderr, error } = spawnSync(command[0], command.slice(1), { env });
  if (status === 0) return true;
  process.stderr.write(`programs: ${command.join(' ')} failed\n${error ?? ''}${stdout}${stderr}`);
  return false;
}

function install(programs) {
  if (!process.env.CI && process.env.PTFRAG_APT !== '1') {
    return 'set PTFRAG_APT=1 to have their packages installed';
  }
  if (!isThere('apt-get')) return 'there is no apt-get to install them with';
  const as = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const packages = programs.map((program) => PACKAGES[program]);
  const flags = ['install', '--yes', '--no-install-recommends'];
  process.stderr.write(`programs: installing ${packages.join(', ')}\n`);
  const done = run([...as, 'apt-get', 'update']) && run([...as, 'apt-get', ...flags, ...packages]);
  return done ? 'their packages do not have them' : 'apt-get failed';
}

const before = missing();
if (before.length > 0) {
  const why = install(before);
  const after = missing();
  if (after.length > 0) {
    process.stderr.write(
      `programs: without ${after.join(', ')}: ${why}. Their tests are skipped.\n`,
    );
  }
}
