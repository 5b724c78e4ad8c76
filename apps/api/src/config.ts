import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { isAbsolute, resolve } from 'node:path';
import { messageOf } from '@agentcrew/protocol';
import { z } from 'zod';
import { commaListSchema } from './comma-list.ts';
import { isHostOrNetwork } from './crew/post-actions/address-guard.ts';
import { durationSchema, retentionSchema, timerSchema } from './duration.ts';
import {
  containerResourcesSchema,
  labelsSchema,
  nodeSelectorSchema,
  objectNameSchema,
  objectNamesSchema,
  requestProblems,
  sizeSchema,
} from './kubernetes/settings.ts';
import { tolerationsTextSchema } from './kubernetes/tolerations.ts';
import { anyInterface, listenAddressSchema } from './listen-address.ts';
import { wordRules } from './validation-message.ts';

/** `*`, `loopback`, or an origin as browsers send it; a slash at its end is forgiven. */
const origin = z.string().transform((text, context) => {
  if (text === '*' || text === 'loopback') return text;
  const url = URL.parse(text);
  if (url && /^https?:$/.test(url.protocol) && (text === url.origin || text === `${url.origin}/`)) return url.origin;
  context.addIssue({ code: 'custom', message: 'must be origins such as https://example.org, `loopback` or `*`' });
  return z.NEVER;
});

/** An address, or a network such as `10.0.0.0/8`. */
const network = z.string().refine((text) => {
  const [address = '', bits = '0', more] = text.split('/');
  const family = isIP(address);
  return family !== 0 && more === undefined && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}, 'must be addresses or networks such as 10.0.0.0/8');

const switchSchema = z.stringbool({ truthy: ['true', '1'], falsy: ['false', '0'], error: 'must be true or false' });

const absolutePath = z.string().refine(isAbsolute, 'must be absolute paths');

const natsUrl = z.string().refine((text) => {
  const url = URL.parse(text.includes('://') ? text : `nats://${text}`);
  return url !== null && url.hostname !== '' && /^(nats|tls):$/.test(url.protocol);
}, 'must be nats://host:port or tls://host:port');

/** One variable: its rule, what it is for (docs/configuration.md shows it), and whether a `NAME_FILE` may hold it. */
interface Variable<T extends z.ZodType> {
  schema: T;
  description: string;
  secret?: true;
}

function variable<T extends z.ZodType>(schema: T, description: string): Variable<T> {
  return { schema, description };
}

function secret<T extends z.ZodType>(schema: T, description: string): Variable<T> {
  return { schema, description, secret: true };
}

/** Every variable of the environment that the server reads. */
export const variables = {
  RUNTIME: variable(
    z.enum(['docker', 'kubernetes', 'local']).default('docker'),
    'Where agents run: `local` (processes on this host), `docker` or `kubernetes`.',
  ),
  LISTEN_ADDR: variable(
    listenAddressSchema.prefault('127.0.0.1:8080'),
    'Address to listen on, `host:port`, or `:port` for all interfaces.',
  ),
  PORT: variable(
    z.coerce.number().int().min(0).max(65_535).optional(),
    'Port to listen on; wins over the port of `LISTEN_ADDR`.',
  ),
  DATA_DIR: variable(
    z.string().min(1).default('data'),
    'Folder for everything the server keeps: database, keys, workspaces, NATS.',
  ),
  DATABASE_PATH: variable(
    z.string().min(1).optional(),
    'SQLite file, or `:memory:`; default `agentcrew.db` in `DATA_DIR`.',
  ),
  NATS_URL: secret(
    natsUrl.optional(),
    'An external nats-server (with JetStream) instead of one of our own; may hold user and password. Not with `kubernetes`, where each team has one of its own.',
  ),
  NATS_ACCOUNTS_FILE: variable(
    z.string().min(1).optional(),
    'File that the nats-server of `NATS_URL` (2.10 or newer) includes in its `accounts`, for `docker`: every team gets an account of its own in it. `NATS_URL` then needs a user of the system account. Without the file all teams use the credentials of `NATS_URL`.',
  ),
  NATS_CONTAINER: variable(
    z.string().min(1).optional(),
    "Container of the nats-server of `NATS_URL`, for `docker`: it is made part of every team's network, under the host name in `NATS_URL`.",
  ),
  NATS_IMAGE: variable(
    z.string().min(1).default('nats:2.10-alpine'),
    "Image of the teams' own nats-servers, for `docker` and `kubernetes`.",
  ),
  AGENT_IMAGE: variable(
    z.string().min(1).default('agentcrew-sidecar:dev'),
    'Image of agents whose team has no `agent_image`, for `docker` and `kubernetes`; `make images` builds the default.',
  ),
  NATS_SERVER: variable(
    z.string().min(1).optional(),
    'Path of the nats-server program for the local runtime; default: looked up on `PATH` and in `.tools/bin`.',
  ),
  KUBERNETES_CONTEXT: variable(
    z.string().min(1).optional(),
    'Context of the kubeconfig (`KUBECONFIG`, else `~/.kube/config`); default: its current one. In a cluster the server uses its service account.',
  ),
  KUBERNETES_CLUSTER_DOMAIN: variable(objectNameSchema.default('cluster.local'), 'DNS domain of the cluster.'),
  KUBERNETES_STORAGE_CLASS: variable(
    objectNameSchema.optional(),
    "Storage class of all volumes; default: the cluster's own default.",
  ),
  KUBERNETES_WORKSPACE_SIZE: variable(sizeSchema.default('1Gi'), "Size of a team's workspace."),
  KUBERNETES_WORKSPACE_ACCESS_MODE: variable(
    z.enum(['ReadWriteOnce', 'ReadWriteMany']).default('ReadWriteOnce'),
    'How a workspace may be mounted: `ReadWriteOnce` keeps the agents of a team on one node, `ReadWriteMany` needs a storage class that can do it.',
  ),
  KUBERNETES_NATS_SIZE: variable(sizeSchema.default('1Gi'), "Size of the volume of a team's nats-server."),
  KUBERNETES_AGENT_REQUESTS: variable(
    containerResourcesSchema.prefault('cpu=100m,memory=256Mi'),
    'What a node must have free for an agent whose `resources` say nothing else.',
  ),
  KUBERNETES_AGENT_LIMITS: variable(
    containerResourcesSchema.prefault('cpu=2,memory=2Gi'),
    'What an agent may use whose `resources` say nothing else.',
  ),
  KUBERNETES_RUNTIME_CLASS: variable(
    objectNameSchema.optional(),
    "Runtime class of the agents' pods, such as one for gVisor or Kata Containers.",
  ),
  KUBERNETES_NODE_SELECTOR: variable(
    nodeSelectorSchema.prefault(''),
    'Labels of the nodes that pods may run on: `key=value`, separated by commas.',
  ),
  KUBERNETES_TOLERATIONS: variable(
    tolerationsTextSchema.optional(),
    'Taints of nodes that pods tolerate, as a JSON array: `[{"key": "agents", "operator": "Exists", "effect": "NoSchedule"}]`.',
  ),
  KUBERNETES_IMAGE_PULL_SECRETS: variable(
    objectNamesSchema.prefault(''),
    "Names of Secrets in the server's namespace with logins for registries, separated by commas; they are copied to the teams.",
  ),
  KUBERNETES_LABELS: variable(
    labelsSchema.prefault(''),
    "Further labels of the teams' workloads: `key=value`, separated by commas; none that begin with `agentcrew.` or `app.kubernetes.io/`.",
  ),
  KUBERNETES_SCHEDULE_TIMEOUT: variable(
    timerSchema.prefault('2m'),
    'A pod that waits longer for a node fails the deploy.',
  ),
  SETTINGS_ENCRYPTION_KEY: secret(
    z.string().min(8).optional(),
    'Passphrase of at least 8 characters that encrypts settings at rest; default: one is generated once in `DATA_DIR/settings.key`.',
  ),
  AUTH_PROVIDER: variable(
    z.enum(['noop', 'local']).default('noop'),
    'Who may use the server: everybody who reaches it (`noop`), or who signs in (`local`).',
  ),
  MULTI_TENANT: variable(
    switchSchema.prefault('true'),
    'Whether everybody who reaches the server may register an organisation, with `AUTH_PROVIDER=local`; else only the first one can be, and others join by invites.',
  ),
  JWT_SECRET: secret(
    z.string().min(32).optional(),
    'At least 32 characters that sign access tokens; default: generated once in `DATA_DIR/jwt.key`. Another one signs everybody out until their next refresh.',
  ),
  JWT_ACCESS_EXPIRATION: variable(
    durationSchema.prefault('1h'),
    'How long an access token is good, unless its session or its user ends before.',
  ),
  JWT_REFRESH_EXPIRATION: variable(
    durationSchema.prefault('7d'),
    'Who does not use the server for so long has to sign in again.',
  ),
  WORKSPACE_ROOTS: variable(
    commaListSchema.pipe(z.array(absolutePath)).prefault(''),
    "Folders under which a team's `workspace_path` may lie, separated by commas; none: `workspace_path` is refused, as it always is on `kubernetes`.",
  ),
  CORS_ORIGINS: variable(
    commaListSchema.pipe(z.array(origin)).prefault('loopback'),
    'Origins of browsers that may call the API, separated by commas; `loopback` is any port of this machine, `*` everybody.',
  ),
  TRUSTED_PROXIES: variable(
    commaListSchema.pipe(z.array(network)).prefault(''),
    'Addresses or networks of reverse proxies, separated by commas: what they say in `X-Forwarded-For` is where a request comes from, for the limits of attempts to sign in.',
  ),
  LOG_LEVEL: variable(
    z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
    'How much is logged.',
  ),
  ANTHROPIC_API_KEY: secret(
    z.string().optional(),
    'Key for the agents of the first organisation, unless its settings hold one.',
  ),
  CLAUDE_CODE_OAUTH_TOKEN: secret(
    z.string().optional(),
    'OAuth token for the agents of the first organisation, unless its settings hold one.',
  ),
  ANTHROPIC_AUTH_TOKEN: secret(
    z.string().optional(),
    'Bearer token of a gateway for the agents of the first organisation (same use as the OAuth token), unless its settings hold one.',
  ),
  ANTHROPIC_BASE_URL: variable(
    z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
    'Address of the Messages API for the agents, unless the settings hold one.',
  ),
  DEPLOY_TIMEOUT: variable(timerSchema.prefault('5m'), 'A deploy that takes longer fails.'),
  TURN_TIMEOUT: variable(
    timerSchema.prefault('30m'),
    "A turn that takes longer is ended and answered as failed; an agent's `resources.timeout_seconds` wins.",
  ),
  STALL_TIMEOUT: variable(timerSchema.prefault('5m'), 'A turn without any sign of life for so long is ended.'),
  SKILL_INSTALL_TIMEOUT: variable(
    timerSchema.prefault('2m'),
    'Installing a skill in an agent may take so long; after that it has failed.',
  ),
  IDLE_PARK_AFTER: variable(
    timerSchema.prefault('15m'),
    'An idle Claude Code process is stopped after this time and resumed by the next message.',
  ),
  RECONCILE_INTERVAL: variable(
    timerSchema.prefault('2s'),
    'How often the state of all agents is compared with the database.',
  ),
  AGENT_MAX_RESTARTS: variable(
    z.coerce.number().int().min(0).max(1000).default(10),
    'An agent that dies so often in a row, each time shortly after its start, is given up and its team ends in `error`.',
  ),
  AGENT_SILENCE_TIMEOUT: variable(
    timerSchema.prefault('30s'),
    'An agent that runs, is on its bus, and has answered nothing for so long is ended and started again.',
  ),
  SCHEDULE_TIMEOUT: variable(
    timerSchema.prefault('1h'),
    'The run of a schedule that takes longer, its deploy included, is ended and its turn interrupted.',
  ),
  SCHEDULER_MAX_CONCURRENT: variable(
    z.coerce.number().int().min(1).max(1000).default(10),
    'Runs of schedules at once; what is due beyond them is skipped and says so. While several organisations have schedules, each has at most half of the places, rounded up.',
  ),
  WEBHOOK_MAX_CONCURRENT: variable(
    z.coerce.number().int().min(1).max(1000).default(20),
    'Runs of all webhooks at once; more are refused with 429. While several organisations have webhooks, each has at most half of the places, rounded up.',
  ),
  HISTORY_RETENTION: variable(
    retentionSchema.prefault('90d'),
    'How long the database keeps what agents did, and ended runs of schedules, webhooks and post-actions; at least `1h`, or `forever`. Messages stay.',
  ),
  STREAM_MAX_AGE: variable(
    durationSchema.prefault('7d'),
    "Messages older than this leave a team's NATS stream (not the database).",
  ),
  STREAM_MAX_BYTES: variable(
    z.coerce.number().int().min(1_048_576).default(268_435_456),
    "Size limit of a team's NATS stream in bytes; the oldest messages leave first.",
  ),
  WS_MAX_CLIENTS: variable(
    z.coerce.number().int().min(1).default(4096),
    'WebSocket connections at once; more are refused with 429.',
  ),
  POST_ACTION_ALLOW_PRIVATE: variable(
    commaListSchema
      .pipe(
        z.array(z.string().refine(isHostOrNetwork, 'must be host names, addresses or networks such as 10.1.0.0/16')),
      )
      .prefault(''),
    'Private targets that post-actions may call, separated by commas: host names, addresses, networks as `10.1.0.0/16`. All others that are private, loopback or link-local are refused.',
  ),
  POST_ACTION_MAX_CONCURRENT: variable(
    z.coerce.number().int().min(1).max(100).default(5),
    'Requests of post-actions under way at once.',
  ),
} as const;

type Values = { [K in keyof typeof variables]: z.output<(typeof variables)[K]['schema']> };

/** The server's configuration, read once. */
export type Config = Readonly<Values>;

/** A configuration that cannot be used; `problems` has one line for each variable. Secrets are not shown. */
export class ConfigError extends Error {
  readonly problems: string[];

  constructor(problems: string[]) {
    super(`The configuration is not usable:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/**
 * Reads the configuration from the environment; `NAME_FILE` gives a secret's value from a file. An empty variable
 * counts as absent.
 * @throws ConfigError with every problem at once.
 */
export function readConfig(env: Record<string, string | undefined>): Config {
  wordRules();
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, { schema, secret: isSecret }] of Object.entries<Variable<z.ZodType>>(variables)) {
    try {
      const text = isSecret ? secretText(env, name) : env[name] || undefined;
      const parsed = schema.safeParse(text);
      if (parsed.success) values[name] = parsed.data;
      else
        for (const issue of parsed.error.issues) problems.push(describe(name, issue.message, isSecret ? '***' : text));
    } catch (error) {
      problems.push(messageOf(error));
    }
  }
  problems.push(...conflicts(values));
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(values as Values);
}

/** What is wrong with variables that are right by themselves. */
function conflicts(values: Partial<Values>): string[] {
  return [...authConflicts(values), ...kubernetesConflicts(values)];
}

function authConflicts({ JWT_ACCESS_EXPIRATION: access, JWT_REFRESH_EXPIRATION: refresh }: Partial<Values>): string[] {
  const tooLong = access !== undefined && refresh !== undefined && access > refresh;
  return tooLong ? [describe('JWT_ACCESS_EXPIRATION', 'must not be longer than JWT_REFRESH_EXPIRATION')] : [];
}

function kubernetesConflicts(values: Partial<Values>): string[] {
  if (values.RUNTIME !== 'kubernetes') return [];
  const { NATS_URL, KUBERNETES_AGENT_REQUESTS: requests, KUBERNETES_AGENT_LIMITS: limits } = values;
  const problems = requests && limits ? requestProblems(requests, limits) : [];
  return [
    ...problems.map((rule) => describe('KUBERNETES_AGENT_REQUESTS', rule)),
    ...(NATS_URL ? [describe('NATS_URL', 'must not be set with RUNTIME=kubernetes: each team has its own NATS')] : []),
  ];
}

function secretText(env: Record<string, string | undefined>, name: string): string | undefined {
  const file = env[`${name}_FILE`];
  if (!file) return env[name] || undefined;
  if (!existsSync(file)) throw new Error(`${name}_FILE: there is no file ${file}`);
  try {
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch (error) {
    throw new Error(`${name}_FILE: ${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

function describe(name: string, rule: string, value?: string): string {
  return `${name}: ${rule}${value === undefined ? '' : ` (got ${JSON.stringify(value)})`}`;
}

/** The SQLite file. */
export function databasePath(config: Config): string {
  if (config.DATABASE_PATH === ':memory:') return ':memory:';
  return resolve(config.DATABASE_PATH ?? `${config.DATA_DIR}/agentcrew.db`);
}

/** Host and port to listen on. `PORT` replaces the port only: who wants all interfaces says so in `LISTEN_ADDR`. */
export function listenOn(config: Config): { host: string; port: number } {
  return { host: config.LISTEN_ADDR.host || anyInterface(), port: config.PORT ?? config.LISTEN_ADDR.port };
}
