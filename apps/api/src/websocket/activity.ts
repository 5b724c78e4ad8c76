import { setTimeout as delay, setImmediate as nextTick } from 'node:timers/promises';
import type { MessageRow } from '@agentcrew/models';
import type { WebSocket } from '@fastify/websocket';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Crew } from '../crew/crew.ts';
import { ownTeam } from '../plugins/team-lookup.ts';
import { teamParams } from '../schemas/common.ts';
import { cursorSchema, messageJson } from '../schemas/message.ts';

const replayBatch = 100;
/** A client that lets more than this pile up reads on from the database, at its own pace. */
const maxBufferedBytes = 4 * 1024 * 1024;
const drainPollMs = 20;

/**
 * `/ws/teams/:id/activity`: each message row of the team as one frame, in the order of `seq`. Without `since` only
 * rows from now on; with `since=<seq>` first everything after that one, then live, without gap or double.
 */
export async function activitySocket(app: FastifyInstance, { crew }: { crew: Crew }): Promise<void> {
  app.withTypeProvider<ZodTypeProvider>().get(
    '/ws/teams/:id/activity',
    {
      websocket: true,
      onRequest: app.admitSocket,
      schema: { hide: true, params: teamParams, querystring: z.object({ since: cursorSchema.optional() }) },
    },
    (socket, request) => {
      const team = ownTeam(crew.db, request, request.params.id);
      if (!team) return refuse(socket, 'team not found');
      // A cursor of a database that was set back would wait for rows that came long ago.
      const newest = crew.db.messages.lastSeq(team.id);
      follow(crew, socket, team.id, Math.min(request.query.since ?? newest, newest));
    },
  );
}

/** Says why in a last frame, as clients expect it, and closes. */
export function refuse(socket: WebSocket, error: string): void {
  socket.send(JSON.stringify({ error }));
  socket.close(1008, error);
}

function follow(crew: Crew, socket: WebSocket, teamId: string, since: number): void {
  let cursor = since;
  let live = false;

  function send(row: MessageRow): void {
    cursor = row.seq;
    socket.send(JSON.stringify(messageJson(row)));
  }

  /**
   * Reads on from the database until nothing is left. That read and the switch to live happen in one turn of the
   * event loop, in which no row can be inserted: so there is no gap, and the cursor rules out doubles.
   */
  async function catchUp(): Promise<void> {
    for (;;) {
      await drained(socket);
      if (socket.readyState !== socket.OPEN) return;
      const rows = crew.db.messages.after({ teamId, seq: cursor, limit: replayBatch });
      if (rows.length === 0) {
        live = true;
        return;
      }
      for (const row of rows) {
        send(row);
        if (socket.bufferedAmount > maxBufferedBytes) break;
      }
    }
  }

  function startCatchingUp(): void {
    live = false;
    catchUp().catch(() => socket.close(1011, 'internal error'));
  }

  const subscription = crew.hub.subscribe(teamId, (row) => {
    if (!live || row.seq <= cursor) return;
    send(row);
    if (socket.bufferedAmount > maxBufferedBytes) startCatchingUp();
  });
  socket.on('close', () => subscription[Symbol.dispose]());
  startCatchingUp();
}

/** Resolves when the socket has little left to send, or is closed. A dead peer is ended by the pings. */
async function drained(socket: WebSocket): Promise<void> {
  await nextTick();
  while (socket.readyState === socket.OPEN && socket.bufferedAmount > maxBufferedBytes / 4) await delay(drainPollMs);
}
