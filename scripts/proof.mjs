/** Writes docs/proof.md. `npm run docs:proof` builds first what is missing. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CATALOGUE, MUTANTS } from '../dist/checker/proof/index.js';
import { ofTheCore, proofText } from './proof/text.mjs';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const requirements = readFileSync(at('docs/requirements.md'), 'utf8');

writeFileSync(
  at('docs/proof.md'),
  proofText({ requirements, ...ofTheCore({ catalogue: CATALOGUE, mutants: MUTANTS }) }),
);
