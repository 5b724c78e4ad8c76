import pino, { type Logger, type LoggerOptions } from 'pino';

/** What a log line never shows, wherever it stands in the object. */
const secretPaths = [
  'authorization',
  'cookie',
  'token',
  'access_token',
  'refresh_token',
  'ticket',
  'password',
  'current_password',
  'new_password',
  'temporary_password',
  'key_hash',
  'value',
  'nats_token',
  'secrets',
].flatMap((key) => [key, `*.${key}`, `req.headers.${key}`]);

const censor = '[redacted]';

/** Tokens where they stand within a text, such as the address of a WebSocket: in it, by their form, in a path. */
const secretTexts = [
  /(?<=[?&](?:token|ticket)=)[^&\s"\\]+/gi,
  /\beyJ[\w-]+\.[\w-]+\.[\w-]*/g,
  /\b(?:ack|acr|act)_[\w-]{20,}/g,
  /(?<=\/(?:auth\/invite|webhook\/trigger)\/)[^/?\s"\\]+/gi,
];

/** How the server logs: secrets are blanked in objects and in texts. */
export function loggerOptions(level: string): LoggerOptions {
  return {
    level,
    redact: { paths: secretPaths, censor },
    hooks: { streamWrite: (line) => secretTexts.reduce((text, secret) => text.replaceAll(secret, censor), line) },
  };
}

/** One line of JSON an event, or readable lines on a terminal. */
export function createLogger(level: string): Logger {
  const options = loggerOptions(level);
  if (!process.stdout.isTTY) return pino({ ...options, timestamp: pino.stdTimeFunctions.isoTime });
  return pino({
    ...options,
    transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname', translateTime: 'HH:MM:ss' } },
  });
}
