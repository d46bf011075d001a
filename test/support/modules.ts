/** Which modules of the build are loaded with another: itself and all that it imports. */
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
  return modulesBehind(posix.relative('dist', first));
}

/** All that a module below `dist/` loads. */
export function modulesBehind(module: string): string[] {
  const found = new Set([module]);
  // The set grows while it is gone through.
  for (const each of found) {
    for (const specifier of importsOf(each)) {
      if (specifier.startsWith('.')) found.add(posix.join(posix.dirname(each), specifier));
    }
  }
  return [...found];
}

/** What a module below `dist/` imports, as it is written there. */
export function importsOf(module: string): string[] {
  const text = readFileSync(`${ROOT}dist/${module}`, 'utf8');
  const imports = text.matchAll(/^(?:import|export|\}).*?from '([^']+)';/gm);
  return [...imports].map(([, specifier = '']) => specifier);
}
