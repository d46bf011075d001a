/** Which modules of the build an entry of the package loads: itself and all that it imports. */
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Names below `dist/`, by the name of an entry in package.json. Static imports only. */
export function modulesOf(entry: string): string[] {
  const { exports } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as {
    exports: Record<string, { default: string }>;
  };
  const first = (exports[entry] as { default: string }).default;
  const found = new Set([posix.normalize(first)]);
  // The set grows while it is gone through.
  for (const file of found) {
    const text = readFileSync(`${ROOT}${file}`, 'utf8');
    for (const [, specifier = ''] of text.matchAll(/^(?:import|export|\}).*?from '(\.[^']+)';/gm)) {
      found.add(posix.join(posix.dirname(file), specifier));
    }
  }
  return [...found].map((file) => file.replace('dist/', ''));
}
