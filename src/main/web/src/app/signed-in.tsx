// The page of somebody who is signed in: what a list alone does not need, and so what is loaded after it.
import type { SupabaseClient } from '@supabase/supabase-js';
import { useEffect, useState } from 'react';
import type { DemoUser } from './demo';
import type { Host } from './host';
import { Opening } from './opening';
import type { SignedIn as Start } from './start';
import { TopBar } from './top-bar';
import { EmptyState } from '@/components/chat/empty-state';
import { MessagesPage } from '@/components/chat/messages-page';
import { ChatProvider, useChat, useUnreadCount } from '@/hooks/use-chat';
import { useTexts } from '@/hooks/use-texts';
import { keep, kept } from '@/lib/keep';
import { createSupabaseClient } from '@/lib/supabase';
import type { Language } from '@/texts';

export interface SignedInProps {
  start: Start;
  onLanguage: (language: Language) => void;
  onChoose: (user: DemoUser) => void;
  onFailed: (error: unknown) => void;
}

export default function SignedIn({ start, onLanguage, onChoose, onFailed }: SignedInProps) {
  const { t } = useTexts();
  const { user, settings, demo, host } = start;
  const [supabase, setSupabase] = useState<SupabaseClient>();
  const [sound, setSound] = useState(() => kept('sound') !== 'off');

  useEffect(() => {
    let current = true;
    createSupabaseClient(
      { url: location.origin, anonKey: start.anonKey },
      start.token,
      start.refused,
    ).then(
      (client) => current && setSupabase(client),
      (error: unknown) => current && onFailed(error),
    );
    return () => {
      current = false;
    };
  }, [start, onFailed]);

  if (!supabase) {
    return <Opening start={start} />;
  }
  return (
    <ChatProvider
      supabase={supabase}
      user={user}
      settings={settings}
      conversations={start.conversations}
    >
      <div className="application">
        {!host && (
          <TopBar
            user={user}
            sound={sound}
            onSound={(on) => {
              keep('sound', on ? null : 'off');
              setSound(on);
            }}
            onLanguage={onLanguage}
            users={demo?.users ?? []}
            onChoose={onChoose}
          />
        )}
        <main className="application-main">
          {settings.enabled ? (
            <MessagesPage user={user} sound={sound} notifications={!host} />
          ) : (
            <EmptyState title={t.switchedOff} />
          )}
        </main>
      </div>
      {host && <TellHost host={host} />}
    </ChatProvider>
  );
}

function TellHost({ host }: { host: Host }) {
  const session = useChat();
  const unread = useUnreadCount();
  useEffect(() => host.unread(unread), [host, unread]);
  useEffect(() => host.onToken(() => session.resume()), [host, session]);
  return null;
}
