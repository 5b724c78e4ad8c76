import { join } from 'node:path';
import { createTeam, deploy } from '../shared/deploy.ts';
import { endAgentsOf } from '../shared/local-leftovers.ts';
import { startServer } from '../shared/server.ts';
import { answers, type Frame } from './frames.ts';
import { type Sample, type Setting, sampleOf, type Way } from './way.ts';

/** The whole product: `POST /chat` to the server, the leader's reply at a WebSocket client. */
export async function startProduct(setting: Setting): Promise<Way> {
  const { model, instructions, signal } = setting;
  const dataDir = join(setting.folder, 'data');
  const env = { RUNTIME: 'local', ANTHROPIC_BASE_URL: model.url };
  const server = await startServer({ dataDir, env, endLeftovers: async () => endAgentsOf(dataDir), signal });
  try {
    const team = await createTeam(server, 'bench', { instructions_md: instructions });
    await deploy(server, team, signal);
    const frames = await answers(server.url, team, signal);
    return {
      async turn(text): Promise<Sample> {
        const sentAt = performance.now();
        const { message_id } = await server.call<{ message_id: string }>('POST', `/api/teams/${team}/chat`, {
          message: text,
        });
        const frame = await frames.to(message_id);
        refuseFailure(frame);
        return sampleOf(model, text, sentAt, frame.at);
      },
      async [Symbol.asyncDispose]() {
        frames[Symbol.dispose]();
        await server[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

function refuseFailure({ payload }: Frame): void {
  if (payload.status !== 'completed') throw new Error(`the turn failed: ${payload.error}`);
}
