// The official client, given the person's token by a callback, so that a fresh one is asked for when the old one ends.
import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import { fetchAndHearTime } from './server-clock';

export interface ServiceAddress {
  /** The origin of the service, as https://chat.example. */
  url: string;
  /** The key that every browser may know. */
  anonKey: string;
}

/** Ready to subscribe: a new client's first join would carry no token otherwise. */
export async function createSupabaseClient(
  { url, anonKey }: ServiceAddress,
  token: () => Promise<string>,
): Promise<SupabaseClient> {
  const supabase = createClient(url, anonKey, {
    accessToken: token,
    global: { fetch: fetchAndHearTime },
    realtime: {
      heartbeatIntervalMs: 15_000,
      // At once, then calmly; with chance in it, so that a restarted service is not met by everybody in the same moment.
      reconnectAfterMs: (tries: number) =>
        Math.min(250 * 2 ** tries, 8_000) * (0.75 + Math.random() / 2),
    },
  });
  await supabase.realtime.setAuth();
  return supabase;
}
