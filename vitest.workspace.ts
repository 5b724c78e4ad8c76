import { defineConfig } from 'vitest/config';
import SlowestFirst from './scripts/slowest-first.ts';

/** Every wait in a test has its own deadline; these are the outer ones, wide enough for a busy two-core machine. */
const deadlines = { testTimeout: 60_000, hookTimeout: 60_000 };

/** A file for the results as JSON, for programs that run the tests. */
const report = process.env.TEST_REPORT;

export default defineConfig({
  test: {
    reporters: ['default', './scripts/skipped-reporter.ts', ...(report ? ['json'] : [])],
    outputFile: { json: report ?? '' },
    // The integration tests start real processes: more files at once would only make them wait for each other.
    maxWorkers: 2,
    sequence: { sequencer: SlowestFirst },
    projects: [
      {
        test: {
          ...deadlines,
          name: 'unit',
          include: ['{apps,packages}/*/test/**/*.test.ts'],
          exclude: ['**/*.integration.test.ts', '**/node_modules/**'],
        },
      },
      {
        test: {
          ...deadlines,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          name: 'integration',
          include: ['{apps,packages}/*/test/**/*.integration.test.ts'],
        },
      },
    ],
  },
});
