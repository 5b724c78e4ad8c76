import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { realpath, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startScriptedModel, temporaryFolder, waitFor } from '@agentcrew/testkit';
import { describe, expect, test } from 'vitest';
import { Client } from './client.ts';
import { host, kubeconfigFlags, kubectl, madeBy, removeAll, suite, visible } from './kubernetes.ts';

const base = fileURLToPath(new URL('../../../../deploy/kubernetes', import.meta.url));
const canary = 'sk-ant-canary-0123456789abcdef';

/** Names of its own, also for what is in no namespace, so that the test can run beside a server that somebody uses. */
function renamed(folder: string, namespace: string, modelUrl: string): string {
  return `
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: ["${relative(folder, base)}"]
namespace: ${namespace}
nameSuffix: -${namespace}
patches:
  - target: { kind: Namespace }
    patch: |
      - { op: replace, path: /metadata/labels/kubernetes.io~1metadata.name, value: ${namespace} }
  - target: { kind: Deployment }
    patch: |
      - { op: add, path: /spec/template/spec/containers/0/env/-, value: { name: ANTHROPIC_BASE_URL, value: "${modelUrl}" } }
`;
}

/** A port of this machine that leads to a Service, until it is disposed or the pod ends. */
async function forward(namespace: string, service: string): Promise<{ url: string } & Disposable> {
  const args = [...kubeconfigFlags(), '--namespace', namespace, 'port-forward', `service/${service}`, ':8080'];
  const child = spawn('kubectl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const port = await waitFor('the port-forward', () => /127\.0\.0\.1:(\d+)/.exec(output)?.[1]);
  return { url: `http://127.0.0.1:${port}`, [Symbol.dispose]: () => void child.kill() };
}

async function startStack(modelUrl: string) {
  const namespace = `crew-test-${randomBytes(4).toString('hex')}`;
  const name = `agentcrew-api-${namespace}`;
  const folder = await temporaryFolder();
  const path = await realpath(folder.path);
  await writeFile(join(path, 'kustomization.yaml'), renamed(path, namespace, modelUrl));
  const remove = async () => kubectl('delete', '--kustomize', path, '--ignore-not-found');
  const inNamespace = async (...args: string[]) => kubectl('--namespace', namespace, ...args);
  const untilReady = async () => inNamespace('rollout', 'status', `deployment/${name}`, '--timeout=100s');
  await kubectl('apply', '--kustomize', path);
  await untilReady().catch(async (error: unknown) => {
    const logs = await inNamespace('logs', `deployment/${name}`).catch(String);
    await remove();
    throw new Error(`the server did not start: ${logs}`, { cause: error });
  });
  const instance = await inNamespace('exec', `deployment/${name}`, '--', 'cat', '/data/instance-id');
  return {
    namespace,
    name,
    kubectl: inNamespace,
    made: async () => madeBy(instance),
    forward: async () => forward(namespace, name),
    async restart() {
      await inNamespace('rollout', 'restart', `deployment/${name}`);
      await untilReady();
    },
    remove,
    async [Symbol.asyncDispose]() {
      await inNamespace('delete', 'deployment', name, '--ignore-not-found');
      await removeAll(instance);
      await remove();
      await folder[Symbol.asyncDispose]();
    },
  };
}

describe.skipIf(host === undefined)(suite('the API in the cluster (needs Kubernetes)'), () => {
  test('deploys and talks to teams, also after its own restart, and can be removed', async () => {
    await using model = await startScriptedModel({ host, apiKey: canary });
    await using stack = await startStack(model.url);
    const name = `t${randomBytes(4).toString('hex')}`;
    let id: string;
    {
      using way = await stack.forward();
      const client = new Client(way.url);
      await client.call('PUT', '/api/settings', { key: 'ANTHROPIC_API_KEY', value: canary });
      ({ id } = await client.createTeam(name));
      await client.deploy(id);
      const { message_id } = await client.chat(id, 'hello');
      expect((await client.reply(id, message_id)).payload.result).toBe('You said: hello');
    }
    const before = await stack.made();
    await stack.restart();
    expect(await stack.made()).toEqual(before);
    using way = await stack.forward();
    const client = new Client(way.url);
    const { message_id } = await client.chat(id, 'again');
    expect((await client.reply(id, message_id)).payload.result).toBe('You said: again');

    expect(await stack.kubectl('logs', `deployment/${stack.name}`)).not.toContain(canary);
    for (const namespace of [stack.namespace, `agentcrew-${name}`]) {
      expect(await visible(namespace)).not.toContain(canary);
    }
    await client.call('POST', `/api/teams/${id}/stop`);
    await client.call('DELETE', `/api/teams/${id}`);
    expect(await stack.made()).toEqual([]);
    await stack.remove();
    const left = await kubectl('get', 'namespaces,clusterroles,clusterrolebindings', '--output', 'name');
    expect(left).not.toContain(stack.namespace);
  });
});
