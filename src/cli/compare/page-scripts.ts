/** The scripts of the HTML report, as they are installed and compiled. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PageScript, PageScripts } from '../../report/compare/html/report.js';

export function pageScripts(): PageScripts {
  const library = fileURLToPath(import.meta.resolve('uplot/dist/uPlot.iife.min.js'));
  const folder = dirname(library);
  const page = readFileSync(new URL('../../report/compare/html/page.js', import.meta.url), 'utf8');
  return {
    library: {
      script: hashed(readFileSync(library, 'utf8')),
      style: readFileSync(join(folder, 'uPlot.min.css'), 'utf8'),
      licence: readFileSync(join(folder, '..', 'LICENSE'), 'utf8'),
    },
    // Without the line that asks a browser's tools for a file beside it.
    page: hashed(page.replace(/^\/\/# sourceMappingURL=.*$/m, '')),
  };
}

function hashed(text: string): PageScript {
  return { text, sha256: createHash('sha256').update(text).digest('base64') };
}
