import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take minutes. One of them that started last would be what everybody waits for. */
const slow = /(kubernetes|docker)-(contract|team|kills|faults|objects|cycles)|chaos|local-team/;

/** Starts the slow files first, the others as vitest does. */
export default class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { first = [], later = [] } = Object.groupBy(await super.sort(files), ({ moduleId }) =>
      slow.test(moduleId) ? 'first' : 'later',
    );
    return [...first, ...later];
  }
}
