/** `ptfrag image`: page tables as a machine's MMU reads them. */
import { InvalidArgumentError } from 'commander';
import { ENTRY_FORMATS } from '../../core/pgtable/formats/index.js';
import { countOf, formatCount } from '../../report/text.js';
import { type Command, defineCommand } from '../shell/command.js';
import { choice, one, parsed, text } from '../shell/flags.js';
import { type Progress, runJob } from '../shell/job.js';
import { withOutputs } from '../shell/output-file.js';
import type { ImageDocument, ImageRequest, work } from './work.js';

const NOTES = `In MAPPINGS va is an address, pfn the number of the frame that it maps to, and
prot a sum of 1 read, 2 write, 4 exec, 8 young, 16 dirty. A va or pfn may be a
text, "0x7f0000001000". Choose frames where the tables themselves are not: base
and bytes in PREFIX.json say where they are.`;

export const command: Command = defineCommand({
  description:
    'Makes page tables that map a list of pages, as the MMU of a real machine reads them. Writes ' +
    'their bytes to PREFIX.bin, as they lie in physical memory, and to PREFIX.json what the ' +
    'machine must be given to use them.',
  argument: one('MAPPINGS', 'a JSON list, [{"va": 4096, "pfn": 7, "prot": 3}, ...]'),
  flags: {
    geometry: choice(
      '--geometry <name>',
      'layout of page tables',
      Object.keys(ENTRY_FORMATS),
    ).required(),
    base: parsed(
      '--base <address>',
      'physical address of the first byte, where the machine has memory: aligned as its largest ' +
        'table must be',
      addressOf,
    ),
    prefix: text('-o, --output <prefix>', 'how the names of both files begin').required(),
  },
  notes: NOTES,
  run: async (context, { prefix, ...flags }, file) => {
    const { signal } = context;
    const files = ['bin', 'json'].map((ending) => ({
      option: '--output',
      // What is no beginning of a name is refused as it is.
      file: /(?:^-?|\/)$/.test(prefix) ? prefix : `${prefix}.${ending}`,
    }));
    const onProgress = (progress: Progress): void => context.progress(progress);
    const document = await withOutputs(files, [file], (opened) => {
      const outputs = opened as ImageRequest['outputs'];
      return runJob<typeof work>('image', { ...flags, file, outputs }, { signal, onProgress });
    });
    context.print(`${imageReport(document)}\n`);
    return context.finish(document, context.prose([imageVerdict(document)]));
  },
});

/** As numbers of the list are written: 65536, 0x10000. */
function addressOf(given: string): number {
  if (/^(?:0x[\da-f]{1,9}|\d{1,11})$/i.test(given)) return Number(given);
  throw new InvalidArgumentError('Expected an address below 4 GiB, like 0x80000000.');
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
