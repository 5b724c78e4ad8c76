import { relayConsumer } from '@agentcrew/protocol';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { z } from 'zod';
import type { Crew } from '../crew/crew.ts';
import { operatorOnly } from './identity.ts';

export interface MetricsOptions {
  crew: Crew;
  /** WebSocket connections open now. */
  openSockets: () => number;
}

/** `GET /metrics` for Prometheus. What the database knows is read when it is asked for. */
export const metrics = fp(async (app: FastifyInstance, { crew, openSockets }: MetricsOptions) => {
  const registry = new Registry();
  const registers = [registry];
  const { db } = crew;
  collectDefaultMetrics({ register: registry });

  const duration = new Histogram({
    name: 'agentcrew_http_request_duration_seconds',
    help: 'HTTP requests by route and status',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30],
    registers,
  });
  const turns = new Counter({
    name: 'agentcrew_turns_total',
    help: 'Turns answered since the server started, by outcome',
    labelNames: ['status'],
    registers,
  });
  // Counted here: to count a long log would hold up the server at every scrape.
  const messages = new Counter({
    name: 'agentcrew_messages_total',
    help: 'Messages stored since the server started, by type',
    labelNames: ['type'],
    registers,
  });
  const observer = crew.hub.observe(({ message_type, payload }) => {
    messages.inc({ type: message_type });
    if (message_type === 'leader_response' || message_type === 'task_result')
      turns.inc({ status: String(payload.status) });
  });
  app.addHook('onClose', async () => observer[Symbol.dispose]());

  function gauge(
    name: string,
    help: string,
    labelNames: string[],
    collect: (self: Gauge) => void | Promise<void>,
  ): void {
    new Gauge({
      name: `agentcrew_${name}`,
      help,
      labelNames,
      registers,
      async collect() {
        this.reset();
        await collect(this);
      },
    });
  }

  gauge('teams', 'Teams by status', ['status'], (self) => {
    for (const [status, count] of Object.entries(db.teams.countByStatus())) self.set({ status }, count);
  });
  gauge('agents', 'Agents by container status', ['status'], (self) => {
    for (const [status, count] of Object.entries(db.agents.countByStatus())) self.set({ status }, count);
  });
  gauge('outbox_depth', 'Accepted messages that are not on the bus yet', [], (self) =>
    self.set(db.messages.outboxDepth()),
  );
  gauge('outbox_oldest_seconds', 'Age of the oldest of them', [], (self) => {
    const oldest = db.messages.oldestPendingAt();
    self.set(oldest ? (Date.now() - oldest.getTime()) / 1000 : 0);
  });
  gauge('relay_lag', 'Messages on the bus that are not stored yet, by team', ['team'], async (self) => {
    for (const bus of crew.buses.all()) {
      const lag = bus.connected ? await bus.consumerLag(relayConsumer).catch(() => undefined) : undefined;
      if (lag) self.set({ team: bus.team }, lag.pending + lag.unsettled);
    }
  });
  gauge('post_actions_open', 'Post-actions that are not done', [], (self) => self.set(db.postActionRuns.openCount()));
  gauge('websocket_clients', 'Open WebSocket connections', [], (self) => self.set(openSockets()));

  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    duration.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
  });
  app.get(
    '/metrics',
    {
      onRequest: operatorOnly,
      schema: {
        tags: ['operations'],
        summary: 'Metrics in the text format of Prometheus',
        description: 'With sign-in: for admins of the first organisation of the server, since they are about all.',
        response: { 200: { content: { 'text/plain': { schema: z.string() } } } },
      },
    },
    async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()),
  );
});
