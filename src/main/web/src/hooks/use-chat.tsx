// Who is chatting: given once at the top, used by every part below.
import {
  createContext,
  useContext,
  useEffect,
  useMemo,
  useSyncExternalStore,
  type ReactNode,
} from 'react';
import type { SupabaseClient } from '@supabase/supabase-js';
import { Components, type ChatComponents } from './use-components';
import { TextsProvider } from './use-texts';
import { ChatSession } from '@/lib/chat-session';
import { unreadIn } from '@/lib/inbox';
import { DEFAULT_SETTINGS, type ChatSettings } from '@/lib/settings';
import type { Store } from '@/lib/store';
import type { Conversation, User } from '@/lib/types';
import type { Catalogue, Language, SomeTexts } from '@/texts';

/** Null without a ChatProvider. */
export const Session = createContext<ChatSession | null>(null);
const own: Partial<ChatComponents> = {};
const Settings = createContext<Readonly<ChatSettings>>(DEFAULT_SETTINGS);

/**
 * @param supabase made by createSupabaseClient: with the person's token, ready to subscribe
 * @param conversations the first page of get_conversations, where the application has it already
 * @param settings the service's own (readSettings), or what the application knows of them
 * @param language of all texts, or a catalogue of one's own; the browser's without it, and English where the page has no other
 * @param texts in place of single ones
 * @param components the application's own button, fields and avatar in place of the chat's
 */
export function ChatProvider({
  supabase,
  user,
  settings,
  conversations = null,
  language,
  texts,
  components,
  children,
}: {
  supabase: SupabaseClient;
  user: User;
  settings?: Partial<ChatSettings>;
  conversations?: Conversation[] | null;
  language?: Language | Catalogue;
  texts?: SomeTexts;
  components?: Partial<ChatComponents>;
  children: ReactNode;
}) {
  const session = useMemo(
    () => new ChatSession(supabase, user, conversations),
    // eslint-disable-next-line react-hooks/exhaustive-deps -- a session begins once with them
    [supabase, user],
  );
  useEffect(() => session.start(), [session]);
  const known = useMemo(() => ({ ...DEFAULT_SETTINGS, ...settings }), [settings]);
  return (
    <TextsProvider language={language} texts={texts}>
      <Components value={components ?? own}>
        <Settings.Provider value={known}>
          <Session.Provider value={session}>{children}</Session.Provider>
        </Settings.Provider>
      </Components>
    </TextsProvider>
  );
}

export function useChat(): ChatSession {
  const session = useContext(Session);
  if (!session) {
    throw new Error('Put a ChatProvider around this.');
  }
  return session;
}

/** The limits of the service; the usual ones without a ChatProvider. */
export function useSettings(): Readonly<ChatSettings> {
  return useContext(Settings);
}

export function useStore<T>(store: Store<T>): T {
  return useSyncExternalStore(store.subscribe, store.get);
}

/** Whether the page says already, once for all of it, that nothing can be loaded or sent at the moment. */
export function useOutage(): boolean {
  const { connection, signedOut } = useStore(useChat());
  return signedOut || connection === 'lost';
}

/** For a navigation entry, a title, a badge. */
export function useUnreadCount(): number {
  const session = useChat();
  const { unread } = useStore(session);
  const { conversations } = useStore(session.inbox);
  return unread?.messages ?? unreadIn(conversations);
}
