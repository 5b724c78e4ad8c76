import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

/** Stands in for the sidecar: reads its spec like the real one and behaves as `spec.env.BEHAVIOUR` says. */
const specFile = process.env.AGENT_SPEC_FILE;
const spec: {
  state_dir: string;
  health_addr: string;
  env: Record<string, string>;
  secrets?: Record<string, string>;
} = JSON.parse(readFileSync(specFile && specFile !== '-' ? specFile : 0, 'utf8'));
const apiKey = spec.secrets?.anthropic_api_key ?? process.env.ANTHROPIC_API_KEY;
const behaviour = spec.env.BEHAVIOUR ?? 'ready';

if (behaviour === 'exit') {
  console.error(JSON.stringify({ level: 60, msg: `cannot work with ${apiKey}` }));
  process.exit(3);
}

process.stdout.write(`${JSON.stringify({ time: Date.now(), msg: 'agent speaks' })}\n`);
process.on('SIGTERM', () => {
  if (behaviour !== 'stubborn') process.exit(0);
});

// More than any limit of the tests allows.
if (behaviour === 'hungry') Buffer.alloc(1024 ** 3, 1);

if (behaviour === 'spawn-child') {
  // A session of its own, like what a tool of the agent may leave behind.
  const child = spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)'], {
    detached: true,
    stdio: 'ignore',
  });
  writeFileSync(join(spec.state_dir, 'child.pid'), String(child.pid));
}

const server = createServer((request, response) => {
  const ready = request.url === '/healthz' || behaviour !== 'never-ready';
  response.writeHead(ready ? 200 : 503).end(ready ? 'ok' : 'the consumer is missing');
});
const [host, port] = spec.health_addr.split(':');
server.listen(Number(port), host, () => {
  const address = server.address();
  if (typeof address !== 'object' || !address) return;
  writeFileSync(join(spec.state_dir, 'health.json'), JSON.stringify({ port: address.port, pid: process.pid }));
});
