import type { Credential } from './identity.ts';
import { newSecret } from './secrets.ts';

/** Seconds. */
export const ticketTtl = 30;
/** The oldest is forgotten when there are more: it was not used, or is about to expire. */
const maxTickets = 10_000;

/** What opens one WebSocket, shortly after it was asked for: no token has to stand in the socket's URL. */
export interface Tickets {
  /** Without a credential (there is no sign-in) it is good for nothing, and nothing is needed. */
  issue(credential: Credential | undefined): string;
  /** The credential it was issued for; the ticket is used up. */
  redeem(ticket: string): Credential | undefined;
}

/** Kept in memory: after a restart clients ask for a new one. */
export function createTickets(now: () => number = Date.now): Tickets {
  const tickets = new Map<string, { credential: Credential | undefined; expiresAt: number }>();

  function forgetOld(): void {
    for (const [ticket, { expiresAt }] of tickets) {
      if (expiresAt > now() && tickets.size < maxTickets) return;
      tickets.delete(ticket);
    }
  }

  return {
    issue(credential) {
      forgetOld();
      const ticket = newSecret('act_');
      tickets.set(ticket, { credential, expiresAt: now() + ticketTtl * 1000 });
      return ticket;
    },
    redeem(ticket) {
      const found = tickets.get(ticket);
      tickets.delete(ticket);
      return found && found.expiresAt > now() ? found.credential : undefined;
    },
  };
}
