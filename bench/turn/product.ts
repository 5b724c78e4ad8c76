import { join } from 'node:path';
import { answers, type Frame } from './frames.ts';
import { type Server, startServer } from './server.ts';
import { type Sample, type Setting, sampleOf, type Way } from './way.ts';

interface Team {
  id: string;
  status: string;
  status_message: string;
}

const pollMs = 100;

/** The whole product: `POST /chat` to the server, the leader's reply at a WebSocket client. */
export async function startProduct(setting: Setting): Promise<Way> {
  const { model, signal } = setting;
  const server = await startServer(join(setting.folder, 'data'), model.url, signal);
  try {
    const team = await deploy(server, setting);
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

/** A team of one leader that runs; its id. */
async function deploy(server: Server, { instructions, signal }: Setting): Promise<string> {
  const agents = [{ name: 'lead', role: 'leader', instructions_md: instructions }];
  const { id } = await server.call<Team>('POST', '/api/teams', { name: 'bench', agents });
  await server.call('POST', `/api/teams/${id}/deploy`);
  for (;;) {
    const { status, status_message } = await server.call<Team>('GET', `/api/teams/${id}`);
    if (status === 'running') return id;
    if (status === 'error') throw new Error(`the team was not deployed: ${status_message}`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
    signal.throwIfAborted();
  }
}

function refuseFailure({ payload }: Frame): void {
  if (payload.status !== 'completed') throw new Error(`the turn failed: ${payload.error}`);
}
