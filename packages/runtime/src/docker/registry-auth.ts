import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CrewError, messageOf } from '@agentcrew/protocol';
import { z } from 'zod';

const helperMs = 20_000;
const dockerHub = 'https://index.docker.io/v1/';

/** What this needs of the file that `docker login` writes. */
const configSchema = z.object({
  auths: z
    .record(z.string(), z.object({ auth: z.string().optional(), identitytoken: z.string().optional() }))
    .default({}),
  credsStore: z.string().optional(),
  credHelpers: z.record(z.string(), z.string()).default({}),
});
const helperAnswerSchema = z.object({ Username: z.string(), Secret: z.string() });

/** The engine's form of a login. */
export interface RegistryAuth {
  username: string;
  password: string;
  serveraddress: string;
  identitytoken?: string;
}

/** Registry of an image's name, as the Docker config calls it. */
export function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/');
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  return isHost && !/^(index\.)?docker\.io$/.test(first) ? first : dockerHub;
}

/**
 * The login for an image's registry from `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`, credential helpers
 * included; `undefined` when there is none.
 * @throws CrewError RUNTIME_FAILED when the file or the helper cannot be used
 */
export async function registryAuth(
  image: string,
  environment: Record<string, string | undefined>,
): Promise<RegistryAuth | undefined> {
  const file = join(environment.DOCKER_CONFIG || join(homedir(), '.docker'), 'config.json');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const registry = registryOf(image);
  try {
    const config = configSchema.parse(JSON.parse(text));
    const helper = config.credHelpers[registry] ?? config.credsStore;
    return helper ? await askHelper(helper, registry, environment) : storedLogin(config.auths, registry);
  } catch (error) {
    // A parser's message would quote the file.
    const reason = error instanceof CrewError ? error.message : 'it is not a Docker config';
    throw new CrewError('RUNTIME_FAILED', `the login for ${registry} could not be read from ${file}: ${reason}`);
  }
}

function storedLogin(auths: z.infer<typeof configSchema>['auths'], registry: string): RegistryAuth | undefined {
  const found = auths[registry] ?? auths[`https://${registry}`] ?? auths[`https://${registry}/v1/`];
  if (!found?.auth) return undefined;
  const [username = '', ...password] = Buffer.from(found.auth, 'base64').toString('utf8').split(':');
  return {
    username,
    password: password.join(':'),
    serveraddress: registry,
    ...(found.identitytoken && { identitytoken: found.identitytoken }),
  };
}

/** Asks `docker-credential-<name>`, which takes the registry on its standard input. */
async function askHelper(
  name: string,
  registry: string,
  environment: Record<string, string | undefined>,
): Promise<RegistryAuth | undefined> {
  const running = promisify(execFile)(`docker-credential-${name}`, ['get'], {
    timeout: helperMs,
    env: environment,
  });
  running.child.stdin?.on('error', () => undefined);
  running.child.stdin?.end(registry);
  try {
    const { Username, Secret } = helperAnswerSchema.parse(JSON.parse((await running).stdout));
    if (Username === '<token>') return { username: '', password: '', identitytoken: Secret, serveraddress: registry };
    return { username: Username, password: Secret, serveraddress: registry };
  } catch (error) {
    const output = error instanceof Error && 'stdout' in error ? String(error.stdout) : '';
    if (/credentials not found/i.test(output)) return undefined;
    throw new CrewError('RUNTIME_FAILED', `docker-credential-${name} failed (${messageOf(error).slice(0, 200)})`);
  }
}
