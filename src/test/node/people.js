// Who one may be in the demo, and the official clients signed in as somebody.
// Used by the tests and by scripts/chat.
import './quiet.js';
import { createClient } from '@supabase/supabase-js';
import { createClient as createNewestClient } from 'supabase-js-2.119.1';
import { RealtimeClient } from 'realtime-js-2.9.3';
import ws from 'ws';
import { peopleOf } from './database.js';

/** Everybody of the demo, and the key that every browser may know. */
export async function demo(url) {
  const there = peopleOf(url);
  if (there) {
    return there;
  }
  const response = await fetch(`${url}/demo/users`);
  if (!response.ok) {
    throw new Error(`${url}/demo/users answers ${response.status}: is the service running with --demo?`);
  }
  const { anon_key: anonKey, users } = await response.json();
  return { anonKey, users };
}

/** A token with which this person is signed in. */
export async function tokenOf(url, user) {
  if (peopleOf(url)) {
    return user.token;
  }
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

/** supabase-js of both versions, by their names, for what needs no real time. */
export function signedInClients(url, anonKey, token) {
  return {
    '2.109.0': createClient(url, anonKey, signedInWith(token)),
    '2.119.1': createNewestClient(url, anonKey, signedInWith(token)),
  };
}

/** Those of the demo, by their first names. */
export function byFirstName(users) {
  return Object.fromEntries(users.map((user) => [user.full_name.split(' ')[0].toLowerCase(), user]));
}

/** The official clients that must work unmodified; those with rpc call functions, too. */
export const CLIENTS = {
  'supabase-js 2.109.0': (url, anonKey, token) => signIn(url, anonKey, token),
  'supabase-js 2.119.1': (url, anonKey, token) => signIn(url, anonKey, token, createNewestClient),
  'realtime-js 2.9.3': async (url, anonKey, token) => {
    const realtime = new RealtimeClient(`${url.replace(/^http/, 'ws')}/realtime/v1`, { params: { apikey: anonKey } });
    realtime.setAuth(token);
    return realtime;
  },
};

/** Closes a client's socket for good. */
export async function signOut(client) {
  await client.removeAllChannels?.();
  const realtime = client.realtime ?? client;
  realtime.disconnect();
}
