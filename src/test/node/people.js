// Who one may be in the demo, and the official clients signed in as somebody.
// Used by the tests and by scripts/chat.
import './quiet.js';
import { createClient } from '@supabase/supabase-js';
import ws from 'ws';

/** Everybody of the demo, and the key that every browser may know. */
export async function demo(url) {
  const response = await fetch(`${url}/demo/users`);
  if (!response.ok) {
    throw new Error(`${url}/demo/users answers ${response.status}: is the service running with --demo?`);
  }
  const { anon_key: anonKey, users } = await response.json();
  return { anonKey, users };
}

/** A token with which this person is signed in. */
export async function tokenOf(url, user) {
  const response = await fetch(`${url}/demo/token`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ user_id: user.id }),
  });
  if (!response.ok) {
    throw new Error(`No token for ${user.full_name}: ${await response.text()}`);
  }
  return (await response.json()).token;
}

/** Options of createClient: the token comes from a callback, the WebSocket from `ws`, since Node 20 has none. */
export function signedInWith(token) {
  return {
    accessToken: async () => token,
    realtime: { transport: ws },
  };
}

/** supabase-js, signed in. `setAuth` first: otherwise a new client's first join carries no token. */
export async function signIn(url, anonKey, token, create = createClient) {
  const client = create(url, anonKey, signedInWith(token));
  await client.realtime.setAuth();
  return client;
}
