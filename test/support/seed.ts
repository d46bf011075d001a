/**
 * Loaded before each file of tests. The short run draws the same programs each time: red or green,
 * it is so again. The long run draws new ones, and a failure names its seed.
 */
import fc from 'fast-check';
import { LONG } from './long.js';

if (!LONG) fc.configureGlobal({ seed: 1 });
