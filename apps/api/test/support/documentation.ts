import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

/** The shell examples of a page in `docs/`, in their order. */
export function shellExamples(page: string): string {
  const text = readFileSync(new URL(`../../../../docs/${page}`, import.meta.url), 'utf8');
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, example]) => example).join('\n');
}

/**
 * Runs them as one script, as a reader of the page would. It fails at the first call that is not answered with a success.
 * @returns what the script prints.
 */
export async function runExamples(script: string, variables: Record<string, string>): Promise<string> {
  const strict = 'set -euo pipefail\ncurl() { command curl --fail-with-body --max-time 30 "$@"; }\n';
  const env = { PATH: process.env.PATH, json: 'content-type: application/json', ...variables };
  const { stdout } = await promisify(execFile)('bash', ['-c', strict + script], { env, timeout: 60_000 });
  return stdout;
}
