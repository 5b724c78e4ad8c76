import { startClaude, transcriptState } from '@agentcrew/claude';
import { connectBus } from '@agentcrew/nats';
import type { AgentSpec } from '@agentcrew/protocol';
import closeWithGrace from 'close-with-grace';
import { Agent } from './agent.ts';
import { type Config, ConfigError, readConfig } from './config.ts';
import { createLog } from './log.ts';
import { createRedactor } from './redactor.ts';
import { readSpec } from './spec.ts';

const closeWithinMs = 8_000;

const { config, spec } = readOrExit();
const redactor = createRedactor(spec.secrets);
const log = createLog(config.logLevel, { team: spec.team, agent: spec.agent }, redactor);
const agent = new Agent({
  spec,
  log,
  redactor,
  connectBus,
  startClaude,
  transcriptState,
  onShutDown: () => grace.close(),
});
const grace = closeWithGrace({ delay: closeWithinMs, logger: log }, async ({ err, signal }) => {
  if (err) log.fatal({ err }, 'the agent cannot go on');
  log.info({ signal }, 'closing');
  await agent.close();
  log.info('closed');
});
log.info({ role: spec.role, runtime: spec.runtime, pid: process.pid }, 'agent starts');
await agent.run();

function readOrExit(): { config: Config; spec: AgentSpec } {
  try {
    const config = readConfig(process.env);
    return { config, spec: readSpec(config) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(`This agent cannot start:\n${error.problems.map((problem) => `  ${problem}`).join('\n')}`);
    process.exit(1);
  }
}
