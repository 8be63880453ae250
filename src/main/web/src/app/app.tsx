// The page that the service serves at /: in the demo one chooses who one is, otherwise the application around it says so.
import { CloudOff, KeyRound } from 'lucide-react';
import { useCallback, useEffect, useState } from 'react';
import type { SupabaseClient } from '@supabase/supabase-js';
import { choose, chosen, demoToken, demoUsers, Unanswered, type DemoUser } from './demo';
import { Host, personIn } from './host';
import icon from './icon.svg';
import { TopBar } from './top-bar';
import { EmptyState } from '@/components/chat/empty-state';
import { MessagesPage } from '@/components/chat/messages-page';
import { Avatar } from '@/components/ui/avatar';
import { ChatProvider, useChat, useUnreadCount } from '@/hooks/use-chat';
import { TextsProvider, useTexts } from '@/hooks/use-texts';
import { keep, kept } from '@/lib/keep';
import type { Refused } from '@/lib/refusals';
import { settingsIn, type ChatSettings, type PageSettings } from '@/lib/settings';
import { createSupabaseClient, SignedOut } from '@/lib/supabase';
import type { User } from '@/lib/types';
import { browserLanguage, isLanguage, type Language } from '@/texts';

interface Demo {
  anonKey: string;
  users: DemoUser[];
}

type State =
  | { is: 'starting' }
  | { is: 'choosing'; demo: Demo }
  | { is: 'alone' }
  | { is: 'failed'; why: Refused }
  | { is: 'signed out' }
  | { is: 'signed in'; user: User; supabase: SupabaseClient; demo?: Demo; host?: Host };

/** Chosen here once, or by an application in the address of its frame: ?language=de. */
function chosenLanguage(): Language {
  return (
    [new URLSearchParams(location.search).get('language'), kept('language')].find(isLanguage) ??
    browserLanguage()
  );
}

export function App() {
  const [language, setLanguage] = useState(chosenLanguage);
  return (
    <TextsProvider language={language} wholeDocument>
      <Application
        onLanguage={(chosen) => {
          keep('language', chosen);
          setLanguage(chosen);
        }}
      />
    </TextsProvider>
  );
}

function Application({ onLanguage }: { onLanguage: (language: Language) => void }) {
  const { t, told } = useTexts();
  const [state, setState] = useState<State>({ is: 'starting' });
  const [settings, setSettings] = useState<ChatSettings>();
  const [sound, setSound] = useState(() => kept('sound') !== 'off');

  const be = useCallback(async (user: DemoUser, demo: Demo) => {
    // Asked for anew shortly before the old one ends, which is twelve hours.
    let token: { text: string; until: number } | null = null;
    const refused = () => (token = null);
    const current = async () => {
      if (!token || token.until < Date.now()) {
        token = { text: await demoToken(user.id), until: Date.now() + 10 * 3_600_000 };
      }
      return token.text;
    };
    const supabase = await createSupabaseClient(
      { url: location.origin, anonKey: demo.anonKey },
      current,
      refused,
    );
    setState({ is: 'signed in', user, supabase, demo });
  }, []);

  const start = useCallback(async () => {
    setState({ is: 'starting' });
    try {
      const page = (await (await fetch('/page.json')).json()) as PageSettings;
      setSettings(settingsIn(page));
      if (page.demo) {
        const demo = await demoUsers();
        const user = chosen(demo.users);
        await (user ? be(user, demo) : setState({ is: 'choosing', demo }));
      } else if (Host.isThere) {
        const host = new Host(page.hosts);
        const token = await host.token();
        const supabase = await createSupabaseClient(
          { url: location.origin, anonKey: page.anon_key },
          host.token,
          host.refused,
        );
        const { error, status } = await supabase.rpc('search_users', { query: '', page_size: 1 });
        // The token is not good: say so before anything is shown. Other errors pass; the page tries again.
        if (status === 401) {
          throw new SignedOut();
        }
        if (error && status === 403) {
          setState({ is: 'failed', why: { ...error, reason: error.details, status } });
          return;
        }
        setState({ is: 'signed in', user: personIn(token), supabase, host });
      } else {
        setState({ is: 'alone' });
      }
    } catch (error) {
      setState(
        error instanceof SignedOut
          ? { is: 'signed out' }
          : { is: 'failed', why: unanswered(error instanceof Unanswered ? 503 : 0) },
      );
    }
  }, [be]);

  useEffect(() => void start(), [start]);

  switch (state.is) {
    case 'starting':
      return <div className="whole" aria-busy="true" />;
    case 'choosing':
      return (
        <ChoosePerson
          users={state.demo.users}
          onChoose={(user) => {
            choose(user);
            void be(user, state.demo);
          }}
        />
      );
    case 'alone':
      return (
        <main className="whole">
          <EmptyState icon={<KeyRound size={26} />} title={t.openElsewhere}>
            {t.openElsewhereHint}
          </EmptyState>
        </main>
      );
    case 'signed out':
      return (
        <main className="whole">
          <EmptyState
            icon={<KeyRound size={26} />}
            title={t.signedOut}
            action={
              <button type="button" className="button button-main" onClick={() => void start()}>
                {t.haveSignedIn}
              </button>
            }
          >
            {t.signedOutHint}
          </EmptyState>
        </main>
      );
    case 'failed':
      return (
        <main className="whole">
          <EmptyState
            icon={<CloudOff size={26} />}
            title={t.cannotOpen}
            action={
              <button type="button" className="button button-main" onClick={() => void start()}>
                {t.tryAgain}
              </button>
            }
          >
            {told(state.why)}
          </EmptyState>
        </main>
      );
    case 'signed in': {
      const { user, supabase, demo, host } = state;
      return (
        <ChatProvider key={user.id} supabase={supabase} user={user} settings={settings!}>
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
                onChoose={(other) => {
                  choose(other);
                  void be(other, demo!);
                }}
              />
            )}
            <main className="application-main">
              {settings!.enabled ? (
                <MessagesPage user={user} sound={sound} />
              ) : (
                <EmptyState title={t.switchedOff} />
              )}
            </main>
          </div>
          {host && <TellHost host={host} />}
        </ChatProvider>
      );
    }
  }
}

function unanswered(status: number): Refused {
  return { message: '', hint: null, code: '', reason: null, status };
}

function TellHost({ host }: { host: Host }) {
  const session = useChat();
  const unread = useUnreadCount();
  useEffect(() => host.unread(unread), [host, unread]);
  useEffect(() => host.onToken(() => session.resume()), [host, session]);
  return null;
}

function ChoosePerson({
  users,
  onChoose,
}: {
  users: DemoUser[];
  onChoose: (user: DemoUser) => void;
}) {
  const { t } = useTexts();
  const teams = [...new Set(users.map(({ team_name }) => team_name))];
  return (
    <main className="whole">
      <div className="welcome">
        <img src={icon} alt="" width={52} height={52} />
        <h1>{t.whoToBe}</h1>
        <p>{t.whoToBeHint}</p>
        <div className="welcome-teams">
          {teams.map((team) => (
            <section key={team} aria-label={t.team(team)}>
              <h2>{t.team(team)}</h2>
              <ul>
                {users
                  .filter(({ team_name }) => team_name === team)
                  .map((user) => (
                    <li key={user.id}>
                      <button
                        type="button"
                        className="welcome-person"
                        onClick={() => onChoose(user)}
                      >
                        <Avatar id={user.id} name={user.full_name} url={user.avatar_url ?? null} />
                        <span>{user.full_name}</span>
                      </button>
                    </li>
                  ))}
              </ul>
            </section>
          ))}
        </div>
      </div>
    </main>
  );
}
