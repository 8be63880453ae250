'use client';

import {
  ChatProvider,
  createSupabaseClient,
  readSettings,
  SignedOut,
  type ChatSettings,
  type SomeTexts,
} from '@gptdesk/chat-react';
import { createContext, useContext, useEffect, useState, type ReactNode } from 'react';
import { Button } from './ui/button';
import type { Person } from '@/lib/session';
import { CHAT_URL, ENABLE_USER_CHAT, OWN_SETTINGS } from '@/lib/switches';

/** The application's words and parts in place of the chat's. */
const TEXTS: SomeTexts = { choose: 'Whom would you like to write to?' };
const COMPONENTS = { Button };

interface Auth {
  user: Person;
  /** Whether there is a chat around: it begins in the browser, and may be switched off. */
  ready: boolean;
}

const AuthContext = createContext<Auth | null>(null);

export function useAuth(): Auth {
  return useContext(AuthContext)!;
}

type Client = Awaited<ReturnType<typeof createSupabaseClient>>;

/** Who is signed in and, once their client is there, the chat: for the navigation entry as for the page. */
export function Chat({ user, children }: { user: Person; children: ReactNode }) {
  const [chat, setChat] = useState<{ supabase: Client; settings: Partial<ChatSettings> }>();

  useEffect(() => {
    if (!ENABLE_USER_CHAT) {
      return;
    }
    let ended = false;
    void Promise.all([
      createSupabaseClient({ url: CHAT_URL, anonKey: null }, tokens()),
      readSettings(CHAT_URL),
    ]).then(([supabase, settings]) => {
      if (!ended) {
        setChat({ supabase, settings: { ...settings, ...OWN_SETTINGS } });
      }
    });
    return () => {
      ended = true;
    };
  }, [user.id]);

  return (
    <AuthContext value={{ user, ready: chat !== undefined }}>
      {chat ? (
        <ChatProvider key={user.id} user={user} texts={TEXTS} components={COMPONENTS} {...chat}>
          {children}
        </ChatProvider>
      ) : (
        children
      )}
    </AuthContext>
  );
}

/** A callback that gives the token of who is signed in, a new one before the old one ends. */
function tokens(): () => Promise<string> {
  let held: { text: string; until: number } | null = null;
  return async () => {
    if (!held || held.until < Date.now()) {
      const answer = await fetch('/api/chat-token', { method: 'POST' });
      if (answer.status === 401) {
        throw new SignedOut();
      }
      held = { text: (await answer.json()).token, until: Date.now() + 50 * 60_000 };
    }
    return held.text;
  };
}
