// The page inside another application: an iframe whose parent gives the token. Only parents that the service names
// (CHAT_PAGE_HOSTS, sent in /page.json), or of our own origin, are asked and believed; the same list is in frame-ancestors.
//
//   page → host   {type: 'gptdesk-chat:token-wanted'}                   at start, and when the token has ended
//   host → page   {type: 'gptdesk-chat:token', token: '<JWT>'}
//   page → host   {type: 'gptdesk-chat:unread', count: 3}               for the host's navigation entry
import { serverNow } from '@/lib/server-clock';
import { SignedOut } from '@/lib/signed-out';
import type { User } from '@/lib/types';

const PATIENCE = 10_000;

export class Host {
  private readonly origins: string[];
  private readonly waiting: ((token: string) => void)[] = [];
  private readonly listeners = new Set<() => void>();
  private held: string | null = null;

  constructor(origins: string[]) {
    this.origins = [...new Set([location.origin, ...origins])];
    addEventListener('message', (event: MessageEvent<{ type?: string; token?: string } | null>) => {
      const { data } = event;
      if (
        event.source === window.parent &&
        this.origins.includes(event.origin) &&
        data?.type === 'gptdesk-chat:token' &&
        typeof data.token === 'string'
      ) {
        this.held = data.token;
        if (this.waiting.length === 0) {
          this.listeners.forEach((listener) => listener());
        }
        this.waiting.splice(0).forEach((resolve) => resolve(data.token!));
      }
    });
  }

  static get isThere(): boolean {
    return window.parent !== window;
  }

  /** The token, a new one when the old one is about to end. */
  readonly token = (): Promise<string> => {
    if (this.held && endOf(this.held) > serverNow() + 30_000) {
      return Promise.resolve(this.held);
    }
    return new Promise((resolve, reject) => {
      this.waiting.push(resolve);
      setTimeout(
        () =>
          this.held && endOf(this.held) > serverNow()
            ? resolve(this.held)
            : reject(new SignedOut('The application around this page gave no token.')),
        PATIENCE,
      );
      this.say({ type: 'gptdesk-chat:token-wanted' });
    });
  };

  /** A token that the service does not take: another is asked for. */
  readonly refused = (token: string): void => {
    if (this.held === token) {
      this.held = null;
    }
  };

  /** Called with each token that the host gives unasked, as after a sign-in. */
  onToken(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  unread(count: number): void {
    this.say({ type: 'gptdesk-chat:unread', count });
  }

  private say(message: object): void {
    this.origins.forEach((origin) => window.parent.postMessage(message, origin)); // others do not receive it
  }
}

interface Claims {
  sub?: string;
  exp?: number;
  full_name?: string;
  name?: string;
  user_metadata?: { full_name?: string };
}

/** Whom a token speaks for. Read, not verified: the service does that. */
export function personIn(token: string): User {
  const claims = claimsOf(token);
  return {
    id: claims.sub ?? '',
    full_name: claims.full_name ?? claims.name ?? claims.user_metadata?.full_name ?? '',
  };
}

function endOf(token: string): number {
  return (claimsOf(token).exp ?? 0) * 1000;
}

function claimsOf(token: string): Claims {
  try {
    const bytes = Uint8Array.from(
      atob((token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/')),
      (character) => character.charCodeAt(0),
    );
    return JSON.parse(new TextDecoder().decode(bytes)) as Claims;
  } catch {
    return {};
  }
}
