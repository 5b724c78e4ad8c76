import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { CrewError, type ErrorCode } from '@agentcrew/protocol';
import type { ConnectionError, FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { type Issue, validationMessage } from '../validation-message.ts';
import { withoutToken } from './hidden-token.ts';

/** Fastify's own refusals, by their HTTP status. */
const codeOfStatus: Record<number, ErrorCode> = {
  400: 'INVALID_REQUEST',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  426: 'UPGRADE_REQUIRED',
};

/** For what is over when somebody else has gone: nobody knows when. */
const retryAfterSeconds = 5;

/** The one place where an error becomes an answer. The text of a 5xx is logged and not sent. */
export const errorAnswers = fp(async (app: FastifyInstance) => {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const known = asCrewError(error);
    if (known.status >= 500) request.log.error({ err: error, code: known.code }, 'request failed');
    return sendError(reply, request, known);
  });
});

/** Answers with the error form of the wire. */
export function sendError(reply: FastifyReply, request: FastifyRequest, error: CrewError): FastifyReply {
  if (error.status === 429 && !reply.hasHeader('retry-after')) reply.header('retry-after', retryAfterSeconds);
  return reply.code(error.status).send({
    error: error.status >= 500 ? 'internal server error' : error.message,
    code: error.code,
    ...(error.details === undefined || error.status >= 500 ? {} : { details: error.details }),
    request_id: request.id,
  });
}

/** Answers a request whose path cannot be decoded: it gets to no route and through no hook. */
export function refuseUnroutable(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  // An upgrade that is refused this early has nobody else who ends its connection.
  if (request.raw.headers.upgrade) reply.raw.once('finish', () => request.raw.socket.destroySoon());
  reply.header('x-request-id', request.id);
  sendError(reply, request, new CrewError('INVALID_REQUEST', withoutToken(error.message)));
}

/** Node's codes for what comes in and is no request, with the status it answers by itself. */
const statusOfBroken: Record<string, number> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

/** Answers what is not HTTP, has too large headers or never ends, and closes the connection. */
export function refuseBroken({ code }: ConnectionError, socket: Socket): void {
  if (code === 'ECONNRESET' || !socket.writable) return;
  const status = statusOfBroken[code] ?? 400;
  const request_id = randomUUID();
  const body = JSON.stringify({
    error: `invalid request: ${STATUS_CODES[status]}`,
    code: 'INVALID_REQUEST',
    request_id,
  });
  const headers = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${request_id}`,
    'connection: close',
  ];
  socket.end(`${headers.join('\r\n')}\r\n\r\n${body}`, () => socket.destroySoon());
}

/** For a body of another type than the routes take. */
export function unsupportedMediaType(): CrewError {
  return new CrewError('UNSUPPORTED_MEDIA_TYPE', 'Unsupported Media Type: send application/json');
}

function asCrewError(error: FastifyError | CrewError): CrewError {
  if (error instanceof CrewError) return error;
  if (error.validation) return invalid(error);
  const code = codeOfStatus[error.statusCode ?? 500];
  if (code === 'UNSUPPORTED_MEDIA_TYPE') return unsupportedMediaType();
  if (code)
    return new CrewError(code, code === 'INVALID_REQUEST' ? `invalid request body: ${error.message}` : error.message);
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500) return new CrewError('INVALID_REQUEST', error.message, { cause: error });
  return new CrewError('INTERNAL', error.message, { cause: error });
}

function invalid(error: FastifyError): CrewError {
  const issues = (error.validation ?? []) as Issue[];
  const first = issues[0];
  const text = first ? validationMessage(first, error.validationContext) : error.message;
  const details = issues.map(({ instancePath, message }) => ({ path: instancePath, message }));
  return new CrewError('INVALID_REQUEST', text, { details });
}
