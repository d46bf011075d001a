/** A thread of a torture run, of the role that its `workerData` says. */
import { parentPort, workerData } from 'node:worker_threads';
import { Churner } from './churner.js';
import { Hog } from './hog.js';
import type { Role, TortureData, TortureMessage } from './options.js';
import { Pager } from './pager.js';
import { Reader } from './reader.js';
import type { Torturer } from './torturer.js';

type Make = new (data: TortureData, post: (message: TortureMessage) => void) => Torturer;

const MAKE: Readonly<Record<Role, Make>> = {
  churner: Churner,
  pager: Pager,
  reader: Reader,
  hog: Hog,
};

const data = workerData as TortureData;
new MAKE[data.role](data, (message) => parentPort?.postMessage(message)).run();
