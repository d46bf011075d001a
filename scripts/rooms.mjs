/** `npm run docs:rooms`: the table of rooms in ARCHITECTURE.md, made from the one list of them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { ROOMS } from '../dist/rooms.js';
import { withBlock } from './block.mjs';

const PAGE = new URL('../ARCHITECTURE.md', import.meta.url);

export function roomTable(rooms = ROOMS) {
  const rows = Object.entries(rooms).map(([name, { folder, about, mayImport }]) => {
    const imports = mayImport.length > 0 ? mayImport.join(' ') : 'nothing';
    return `| ${name} | \`src/${folder}/\` | ${about} | ${imports} |`;
  });
  return ['| room | folder | what it is | may import |', '|---|---|---|---|', ...rows].join('\n');
}

if (import.meta.filename === process.argv[1]) {
  writeFileSync(PAGE, withBlock(readFileSync(PAGE, 'utf8'), 'rooms', roomTable()));
}
