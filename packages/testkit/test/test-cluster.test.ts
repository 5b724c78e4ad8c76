import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { temporaryFolder, testKubeconfig } from '../src/index.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

test('the cluster for tests is named in KUBECONFIG, and never found elsewhere', async () => {
  await using home = await temporaryFolder();
  mkdirSync(join(home.path, '.kube'));
  const file = join(home.path, '.kube', 'config');
  writeFileSync(file, '{}');
  vi.stubEnv('HOME', home.path);
  for (const nowhere of [undefined, '', join(home.path, 'absent')]) {
    vi.stubEnv('KUBECONFIG', nowhere);
    expect(testKubeconfig()).toBeUndefined();
  }
  vi.stubEnv('KUBECONFIG', file);
  expect(testKubeconfig()).toBe(file);
});
