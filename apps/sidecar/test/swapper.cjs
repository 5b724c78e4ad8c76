// Turns the folder `place` into a link to `outside` and back, as fast as it can, until it is told to end.
const { renameSync, rmSync, symlinkSync } = require('node:fs');
const { parentPort, workerData } = require('node:worker_threads');

const { place, outside, flag } = workerData;
const stop = new Int32Array(flag);

function managed(change) {
  try {
    change();
    return true;
  } catch {
    return false;
  }
}

/** What others create there in the meantime goes. */
function insist(change) {
  while (!managed(change)) managed(() => rmSync(place, { recursive: true, force: true }));
}

parentPort.postMessage('ready');
while (Atomics.load(stop, 0) === 0) {
  renameSync(place, `${place}.aside`);
  insist(() => symlinkSync(outside, place));
  rmSync(place);
  insist(() => renameSync(`${place}.aside`, place));
}
