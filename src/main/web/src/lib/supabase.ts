// The official client, given the person's token by a callback, so that a fresh one is asked for when the old one ends.
import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import { fetchAndHearTime } from './server-clock';

export interface ServiceAddress {
  /** The origin of the service, as https://chat.example. */
  url: string;
  /** The key that every browser may know; null where there is none, and the person's token stands in its place. */
  anonKey: string | null;
}

/**
 * Ready to subscribe: a new client's first join would carry no token otherwise.
 *
 * @param token the person's token; throws SignedOut when they have none
 * @param onRefused told of a token that the service did not take, so that the next one is another
 */
export async function createSupabaseClient(
  { url, anonKey }: ServiceAddress,
  token: () => Promise<string>,
  onRefused: (token: string) => void = () => {},
): Promise<SupabaseClient> {
  let latest = anonKey === null ? await token() : '';
  const current = async () => (latest = await token());
  const hearingRefusals: typeof fetch = async (request, options) => {
    const answer = await fetchAndHearTime(request, options);
    if (answer.status === 401) {
      const sent = new Headers(options?.headers).get('authorization') ?? '';
      onRefused(sent.replace(/^Bearer /i, ''));
    }
    return answer;
  };
  const supabase = createClient(url, anonKey ?? latest, {
    accessToken: current,
    global: { fetch: hearingRefusals },
    realtime: {
      ...(anonKey === null && { transport: socketWithKey(() => latest) }),
      heartbeatIntervalMs: 15_000,
      // At once, then calmly; with chance in it, so that a restarted service is not met by everybody in the same moment.
      reconnectAfterMs: (tries: number) =>
        Math.min(250 * 2 ** tries, 8_000) * (0.75 + Math.random() / 2),
    },
  });
  await supabase.realtime.setAuth();
  return supabase;
}

/** A socket whose address carries the key of now: the client itself would keep the one it began with. */
function socketWithKey(key: () => string): typeof WebSocket {
  return class extends WebSocket {
    constructor(address: string | URL, protocols?: string | string[]) {
      const url = new URL(address);
      url.searchParams.set('apikey', key());
      super(url, protocols);
    }
  };
}
