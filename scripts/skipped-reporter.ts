import type { Reporter, TestModule } from 'vitest/node';

/** What a suite or test says in its name when it needs something that a machine may lack: `(needs Docker)`. */
const need = /\(needs ([^)]+)\)/;

/** Ends a test run with what was not tested, and why, so that a green run does not promise too much. */
export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap((module) => [...module.children.allTests('skipped')]);
    const counts = new Map<string, number>();
    for (const { fullName } of skipped) {
      const reason = need.exec(fullName)?.[1] ?? 'something that its name does not tell';
      counts.set(reason, (counts.get(reason) ?? 0) + 1);
    }
    const parts = [...counts].map(([reason, count]) => `${count} ${count === 1 ? 'test' : 'tests'} (needs ${reason})`);
    console.log(`Skipped on this machine: ${parts.length > 0 ? parts.join(', ') : 'nothing'}.\n`);
  }
}
