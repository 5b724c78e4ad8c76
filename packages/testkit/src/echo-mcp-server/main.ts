import { createInterface } from 'node:readline';

interface Request {
  id?: number | string;
  method: string;
  params?: { protocolVersion?: string; arguments?: { text?: string } };
}

const shout = { name: 'shout', description: 'Shouts.', inputSchema: { type: 'object', properties: { text: {} } } };

function resultOf({ method, params }: Request): object {
  if (method === 'tools/list') return { tools: [shout] };
  if (method === 'tools/call')
    return { content: [{ type: 'text', text: `${params?.arguments?.text}!`.toUpperCase() }] };
  if (method !== 'initialize') return {};
  const serverInfo = { name: 'echo', version: '1' };
  return { protocolVersion: params?.protocolVersion, capabilities: { tools: {} }, serverInfo };
}

if (process.env.MODE === 'broken') process.exit(3);
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as Request;
  if (request.id === undefined || process.env.MODE === 'mute') continue;
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id: request.id, result: resultOf(request) })}\n`);
}
