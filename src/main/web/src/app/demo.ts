// The demo: anybody may be anybody. Exists only when the service runs with --demo.
import type { User } from '@/lib/types';

const HERE = 'gptdesk-chat:as';

export interface DemoUser extends User {
  team_id: string;
  team_name: string;
}

export async function demoUsers(): Promise<{ anonKey: string; users: DemoUser[] }> {
  const { anon_key, users } = await json<{ anon_key: string; users: DemoUser[] }>(
    await fetch('/demo/users'),
  );
  return { anonKey: anon_key, users };
}

export async function demoToken(userId: string): Promise<string> {
  const headers = { 'Content-Type': 'application/json' };
  return (
    await json<{ token: string }>(
      await fetch('/demo/token', {
        method: 'POST',
        headers,
        body: JSON.stringify({ user_id: userId }),
      }),
    )
  ).token;
}

/** Who one is in this tab: another tab may be somebody else. ?as=alice decides, too. */
export function chosen(users: DemoUser[]): DemoUser | null {
  const named = new URLSearchParams(location.search).get('as')?.toLowerCase();
  const kept = chosenHere();
  const user =
    users.find(({ full_name }) => named && full_name.toLowerCase().startsWith(named)) ??
    users.find(({ id }) => id === kept) ??
    null;
  if (user) {
    remember(user); // without the service a name in the address says nothing
  }
  return user;
}

/** The id of who was chosen in this tab. */
export function chosenHere(): string | null {
  return sessionStorage.getItem(HERE);
}

function remember(user: DemoUser): void {
  sessionStorage.setItem(HERE, user.id);
}

export function choose(user: DemoUser): void {
  remember(user);
  history.replaceState(null, '', '/messages'); // their conversations, not mine
}

/** The service answered, and could not do it. */
export class Unanswered extends Error {}

async function json<T>(response: Response): Promise<T> {
  if (!response.ok) {
    throw new Unanswered();
  }
  return (await response.json()) as T;
}
