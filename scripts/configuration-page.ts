import { variables } from '@agentcrew/api/config.ts';
import { z } from 'zod';

const head = `# Configuration

The server reads these variables of the environment once, at its start. If one cannot be used, it names every problem,
shows no secret, and ends with exit code 1. An empty variable counts as absent.

- A **secret** (🔒) can also come from a file: \`NAME_FILE=/run/secrets/name\` instead of \`NAME\`.
- A **duration** is a number with a unit, or several: \`500ms\`, \`30s\`, \`5m\`, \`1h30m\`, \`7d\`.
- A **quantity** is what Kubernetes calls so: \`500m\` (thousandths) or \`2\` of processors, \`512Mi\` or \`2Gi\` of bytes.
`;

const foot = `## Settings

What agents get can also be set while the server runs, with \`PUT /api/settings {"key", "value", "is_secret"?}\`; it
takes effect with a team's next deploy. Values are encrypted in the database, secrets are never shown again.

| Key | What it does |
|---|---|
| \`ANTHROPIC_API_KEY\`, \`CLAUDE_CODE_OAUTH_TOKEN\`, \`ANTHROPIC_AUTH_TOKEN\` | The credential, always secret. If one of the three is set here, none of the environment is used. A key wins over a token. |
| \`ANTHROPIC_BASE_URL\` | Address of the Messages API; wins over the environment's. |
| \`CLAUDE_MODEL\` | Model of agents whose \`sub_agent_model\` is \`inherit\`. |
| any other key, not secret | Environment variable of the agents' Claude Code and of the commands it runs. Names that would change how Claude Code itself works (\`CLAUDE…\`, \`ANTHROPIC_…\`, \`LD_…\`, \`NODE_OPTIONS\` and the like) are left out. |
| any other key, secret | Stored, and given to no agent: a command that an agent runs could print it. |

## Other programs

| Program | Variables |
|---|---|
| \`make testserver\` | \`LISTEN_ADDR\` (default \`127.0.0.1:3333\`) and [more of the above](testserver.md#variables) |
| \`make dev\` | all of the above; \`RUNTIME\` is \`local\` and \`DATA_DIR\` is \`data\` of the repository unless set. Without a credential in the environment a scripted model listens on the next port. |
| \`make demo\` | \`ANTHROPIC_API_KEY\`, \`ANTHROPIC_BASE_URL\`, \`NATS_SERVER\` |
| \`make test\`, \`make test-docker\`, \`make test-k8s\` | \`TEST_REPORT\`: file for the results as JSON. \`KUBECONFIG\`: the cluster for tests that need one; without it, none is used |
`;

/** The text of docs/configuration.md: made from the variables that the server reads, so that it cannot be wrong. */
export function configurationPage(): string {
  const rows = Object.entries(variables).map(([name, variable]) => {
    const lock = 'secret' in variable ? ' 🔒' : '';
    return `| \`${name}\`${lock} | ${shape(variable.schema)} | ${variable.description} |`;
  });
  return [head, '| Variable | Default | What it does |', '|---|---|---|', ...rows, '', foot].join('\n');
}

/** The default value, with the values there are to choose from. */
function shape(schema: z.ZodType): string {
  const { default: value, enum: choices } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const preset = value === undefined || value === '' ? '' : `\`${value}\``;
  const others = (choices ?? []).filter((choice) => choice !== value).map((choice) => `\`${choice}\``);
  return others.length > 0 ? `${preset}, or ${others.join(', ')}` : preset;
}
