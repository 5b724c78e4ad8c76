import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';

interface ApiError {
  type: string;
  message: string;
  headers?: Record<string, string>;
}

/** What the Messages API says with each status. */
const errors: Record<number, ApiError> = {
  400: { type: 'invalid_request_error', message: 'messages: the request is not valid' },
  401: { type: 'authentication_error', message: 'invalid x-api-key' },
  403: { type: 'permission_error', message: 'Your API key does not have permission to use the specified resource.' },
  404: { type: 'not_found_error', message: 'model: not found' },
  413: { type: 'request_too_large', message: 'Request exceeds the maximum size' },
  429: {
    type: 'rate_limit_error',
    message: 'This request would exceed your rate limit. Please try again later.',
    headers: { 'retry-after': '1' },
  },
  500: { type: 'api_error', message: 'Internal server error' },
  529: { type: 'overloaded_error', message: 'Overloaded' },
};

/** Answers with the error body and headers that the Messages API uses for the status. */
export function sendError(response: ServerResponse, status: number, message?: string): void {
  const error = errors[status] ?? { type: 'api_error', message: `Status ${status}` };
  const requestId = `req_${randomUUID().replaceAll('-', '')}`;
  const body = {
    type: 'error',
    error: { type: error.type, message: message ?? error.message },
    request_id: requestId,
  };
  response.writeHead(status, { 'content-type': 'application/json', 'request-id': requestId, ...error.headers });
  response.end(JSON.stringify(body));
}
