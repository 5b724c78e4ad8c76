import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** What a suite or test says in its name when it needs something that a machine may lack: `(needs Docker)`. */
const need = /\(needs ([^)]+)\)/;

/** What this run must not lack: with it, a test that is skipped for want of it is a failure. */
const required = process.env.TEST_REQUIRES;

/** Ends a test run with what was not tested, and why, so that a green run does not promise too much. */
export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap((module) => [...module.children.allTests('skipped')]);
    const { lacking = [], pointless = [] } = Object.groupBy(skipped, ({ fullName }) =>
      need.test(fullName) ? 'lacking' : 'pointless',
    );
    if (pointless.length > 0) console.log(`Skipped everywhere: ${count(pointless, note)}.`);
    console.log(`Skipped on this machine: ${lacking.length > 0 ? count(lacking, needed) : 'nothing'}.\n`);
    if (required !== undefined && lacking.some((test) => needed(test) === `needs ${required}`)) {
      console.error(`This run must not lack ${required}, and it did.`);
      process.exitCode = 1;
    }
  }
}

function needed({ fullName }: TestCase): string {
  return `needs ${need.exec(fullName)?.[1]}`;
}

function note(test: TestCase): string {
  const result = test.result();
  return (result.state === 'skipped' && result.note) || test.fullName;
}

/** `3 tests (needs Docker), 1 test (needs a cluster)` */
function count(tests: TestCase[], reasonOf: (test: TestCase) => string): string {
  const reasons = Map.groupBy(tests, reasonOf);
  return [...reasons]
    .map(([reason, { length }]) => `${length} ${length === 1 ? 'test' : 'tests'} (${reason})`)
    .join(', ');
}
