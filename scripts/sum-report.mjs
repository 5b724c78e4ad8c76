// Reads a report of vitest (JSON, the first argument). Prints a line with how many tests passed and how many failed, then a
// line per failed test with what it said. Plain JavaScript, for any Node that the machine has.
import { readFileSync } from 'node:fs';

const width = 300;

const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
console.log(numPassedTests, numFailedTests);
for (const { name, assertionResults } of testResults) {
  for (const { status, fullName, failureMessages } of assertionResults) {
    if (status !== 'failed') continue;
    const file = name.replace(`${process.cwd()}/`, '');
    console.log(`  ${file}: ${fullName}`.slice(0, width));
    console.log(`    ${failureMessages.join(' ').replace(/\s+/g, ' ')}`.slice(0, width));
  }
}
