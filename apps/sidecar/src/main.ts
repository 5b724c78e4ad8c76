import { checkClaude, findClaude, startClaude, transcriptState } from '@agentcrew/claude';
import { connectBus } from '@agentcrew/nats';
import { type AgentSpec, CrewError } from '@agentcrew/protocol';
import closeWithGrace from 'close-with-grace';
import { Agent } from './agent.ts';
import { type Config, ConfigError, readConfig } from './config.ts';
import { prepareFolders } from './folders.ts';
import { createLog } from './log.ts';
import { ownState } from './own-state.ts';
import { createRedactor } from './redactor.ts';
import { takeSecrets, withSecrets } from './secrets.ts';
import { runInstaller } from './skills/run-installer.ts';
import { readSpec } from './spec.ts';

const closeWithinMs = 8_000;

const { config, spec, forgot } = await readOrExit();
const redactor = createRedactor(spec.secrets);
const log = createLog(config.logLevel, { team: spec.team, agent: spec.agent }, redactor);
const agent = new Agent({
  spec,
  log,
  redactor,
  connectBus,
  checkClaude,
  startClaude,
  transcriptState,
  runInstaller,
  onAbandoned: () => grace.close(),
});
const grace = closeWithGrace({ delay: closeWithinMs, logger: log }, async ({ err, signal }) => {
  if (err) log.fatal({ err }, 'the agent cannot go on');
  log.info({ signal }, 'closing');
  await agent.close();
  log.info('closed');
});
if (forgot) log.info('the state of an agent that had this name before was deleted');
log.info({ role: spec.role, runtime: spec.runtime, pid: process.pid }, 'agent starts');
await agent.run();

async function readOrExit(): Promise<{ config: Config; spec: AgentSpec; forgot: boolean }> {
  try {
    const secrets = takeSecrets(process.env);
    const config = readConfig(process.env);
    const spec = withSecrets(await readSpec(config), secrets);
    prepareFolders(spec);
    const forgot = ownState(spec);
    // Said at once: an agent that waits for a program that is not there would only look slow.
    findClaude();
    return { config, spec, forgot };
  } catch (error) {
    console.error(
      `This agent cannot start:\n${problemsIn(error)
        .map((problem) => `  ${problem}`)
        .join('\n')}`,
    );
    process.exit(1);
  }
}

function problemsIn(error: unknown): string[] {
  if (error instanceof ConfigError) return error.problems;
  if (error instanceof CrewError) return [error.message];
  throw error;
}
