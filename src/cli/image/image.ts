/** What `ptfrag image` does, from its request to its exit code. */

import { countOf, formatCount } from '../../report/text.js';
import { prose } from '../commands.js';
import type { Context } from '../shell/context.js';
import type { ExitCode } from '../shell/failure.js';
import { runJob } from '../shell/job.js';
import type { ImageDocument, ImageRequest } from './work.js';

export async function image(request: ImageRequest, context: Context): Promise<ExitCode> {
  const { signal } = context;
  const document = await runJob('image', request, {
    signal,
    onProgress: (progress) => context.progress(progress),
  });
  context.print(`${imageReport(document)}\n`);
  return context.finish(document, prose(context, [imageVerdict(document)]));
}

function imageReport(document: ImageDocument): string {
  const { geometry, mappings, tables, rootAddress, rootEntry, base, bytes, files } = document;
  const rows = [
    ['geometry', `${geometry}, ${document.byteOrder}-endian`],
    ['mappings', `${formatCount(mappings)}, in ${countOf(tables, 'table')}`],
    ['root', `${rootAddress}; the machine is given ${rootEntry}`],
    ['memory', `${formatCount(bytes)} bytes from ${base} on`],
    ['files', files.join(', ')],
  ];
  return rows.map(([name = '', value]) => `${name.padEnd(10)}${value}`).join('\n');
}

function imageVerdict({ ok, mappings }: ImageDocument): string {
  return ok
    ? `holds: a walk finds ${countOf(mappings, 'mapping')}.`
    : 'violated: the tree that was written is not whole.';
}
