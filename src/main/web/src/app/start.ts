// What the page asks before it can show a conversation. The page's first file does it, while the browser loads the others.
import { chosen, demoToken, demoUsers, Unanswered, type DemoUser } from './demo';
import { Host, personIn } from './host';
import type { Refused } from '@/lib/refusals';
import { fetchAndHearTime } from '@/lib/server-clock';
import { PAGE_SIZE, settingsIn, type ChatSettings, type PageSettings } from '@/lib/settings';
import { SignedOut } from '@/lib/signed-out';
import type { Conversation, User } from '@/lib/types';

export interface Demo {
  anonKey: string;
  users: DemoUser[];
}

export interface SignedIn {
  is: 'signed in';
  user: User;
  settings: ChatSettings;
  anonKey: string | null;
  token: () => Promise<string>;
  /** Told of a token that the service did not take. */
  refused: (token: string) => void;
  /** The first page of the list; null when it did not come. */
  conversations: Conversation[] | null;
  demo?: Demo;
  host?: Host;
}

export type Start =
  | { is: 'choosing'; demo: Demo; settings: ChatSettings }
  | { is: 'alone' }
  | { is: 'failed'; why: Refused }
  | { is: 'signed out' }
  | SignedIn;

export async function begin(): Promise<Start> {
  try {
    const page = (await (await fetch('/page.json')).json()) as PageSettings;
    const settings = settingsIn(page);
    if (page.demo) {
      const demo = await demoUsers();
      const user = chosen(demo.users);
      return user ? await be(user, demo, settings) : { is: 'choosing', demo, settings };
    }
    if (!Host.isThere) {
      return { is: 'alone' };
    }
    const host = new Host(page.hosts);
    const { token, refused } = host;
    const user = personIn(await token());
    return await signedIn({ user, settings, anonKey: page.anon_key, token, refused, host });
  } catch (error) {
    return whyNot(error);
  }
}

/** Somebody of the demo. */
export async function be(user: DemoUser, demo: Demo, settings: ChatSettings): Promise<Start> {
  // Asked for anew shortly before the old one ends, which is twelve hours.
  let held: { text: string; until: number } | null = null;
  const refused = () => (held = null);
  const token = async () => {
    if (!held || held.until < Date.now()) {
      held = { text: await demoToken(user.id), until: Date.now() + 10 * 3_600_000 };
    }
    return held.text;
  };
  try {
    return await signedIn({ user, settings, anonKey: demo.anonKey, token, refused, demo });
  } catch (error) {
    return whyNot(error);
  }
}

export function whyNot(error: unknown): Start {
  return error instanceof SignedOut
    ? { is: 'signed out' }
    : { is: 'failed', why: refusal(error instanceof Unanswered ? 503 : 0) };
}

/** Asks for the list, and so whether the token is good: that is said before anything is shown. Other errors pass. */
async function signedIn(person: Omit<SignedIn, 'is' | 'conversations'>): Promise<Start> {
  const token = await person.token();
  const answer = await fetchAndHearTime('/rest/v1/rpc/get_conversations', {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Authorization: `Bearer ${token}`,
      apikey: person.anonKey ?? token,
    },
    body: JSON.stringify({ page_size: PAGE_SIZE, archived: false }),
  }).catch(() => null);
  if (answer?.status === 401) {
    person.refused(token);
    throw new SignedOut();
  }
  if (answer?.status === 403) {
    const { details, ...error } = (await answer.json()) as Refused & { details: string | null };
    return { is: 'failed', why: { ...error, reason: details, status: 403 } };
  }
  const conversations = answer?.ok ? ((await answer.json()) as Conversation[]) : null;
  return { is: 'signed in', ...person, conversations };
}

function refusal(status: number): Refused {
  return { message: '', hint: null, code: '', reason: null, status };
}
