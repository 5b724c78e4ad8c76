import { CrewError } from '@agentcrew/protocol';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { unsupportedMediaType } from './errors.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the route needs its JSON bodies as they came, to check their signatures. */
    rawBody?: boolean;
  }
  interface FastifyRequest {
    rawBody: Buffer | undefined;
  }
}

/** Deeper than any body of ours; what walks through one deeper than this could run out of stack. */
const maxDepth = 64;

/**
 * Reads JSON bodies as our clients send them: an empty body with a JSON content type is no body, and a field that is
 * `null` is an absent one. Refused with 400: keys that would reach an object's prototype, and texts that no file,
 * process or database could hold as they are. Other content types are refused with 415.
 */
export const jsonBody = fp(async (app: FastifyInstance) => {
  app.decorateRequest('rawBody', undefined);
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (request.routeOptions.config.rawBody) request.rawBody = body;
    const text = body.toString('utf8');
    if (text.trim() === '') return done(null, undefined);
    parse(request, text, (error, value) => {
      if (error) return done(error);
      try {
        done(null, cleaned(value) ?? undefined);
      } catch (refusal) {
        done(refusal as CrewError);
      }
    });
  });
  // What `curl -X POST -d ''` sends where no body is needed.
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, text, done) => {
    if (text === '') done(null, undefined);
    else done(unsupportedMediaType());
  });
});

/**
 * A body without the fields that are `null`.
 * @throws CrewError INVALID_REQUEST for what is refused.
 */
export function cleaned(value: unknown, depth = 0): unknown {
  if (depth > maxDepth) throw refused('it is nested too deeply');
  if (typeof value === 'string') return readable(value);
  if (Array.isArray(value)) return value.map((item) => cleaned(item, depth + 1));
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(fields.map(([key, field]) => [readable(key), cleaned(field, depth + 1)]));
}

function readable(text: string): string {
  if (text.includes('\0') || !text.isWellFormed()) throw refused('texts must not contain NUL or half characters');
  return text;
}

function refused(rule: string): CrewError {
  return new CrewError('INVALID_REQUEST', `invalid request body: ${rule}`);
}
