// The page that the service serves at /: in the demo one chooses who one is, otherwise the application around it says so.
import CloudOff from 'lucide-react/icons/cloud-off';
import KeyRound from 'lucide-react/icons/key-round';
import { Suspense, useCallback, useEffect, useEffectEvent, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { choose, chosenHere, type DemoUser } from './demo';
import icon from './icon.svg';
import { Opening } from './opening';
import { be, begin, whyNot, type Start } from './start';
import { installShell } from './offline-shell';
import { EmptyState } from '@/components/chat/empty-state';
import { Boundary } from '@/components/ui/boundary';
import { Button } from '@/components/ui/button';
import { Avatar } from '@/components/ui/avatar';
import { part } from '@/components/ui/part';
import { TextsProvider, useTexts } from '@/hooks/use-texts';
import { keep, kept, keptNames } from '@/lib/keep';
import type { Refused } from '@/lib/refusals';
import { browserLanguage, isLanguage, type Language } from '@/texts';

const PROBE = 5_000; // milliseconds between two questions whether the service answers again

const SignedIn = part(async () => (await import('./signed-in')).default);

/** @param first what was asked while this was loaded */
export function show(first: Promise<Start>): void {
  createRoot(document.getElementById('root')!).render(<App first={first} />);
  void first.then(installShell); // after what a person waits for
}

/** Chosen here once, or by an application in the address of its frame: ?language=de. */
function chosenLanguage(): Language {
  return (
    [new URLSearchParams(location.search).get('language'), kept('language')].find(isLanguage) ??
    browserLanguage()
  );
}

function App({ first }: { first: Promise<Start> }) {
  const [language, setLanguage] = useState(chosenLanguage);
  return (
    <TextsProvider language={language} wholeDocument>
      <Application
        first={first}
        onLanguage={(chosen) => {
          keep('language', chosen);
          setLanguage(chosen);
        }}
      />
    </TextsProvider>
  );
}

function Application({
  first,
  onLanguage,
}: {
  first: Promise<Start>;
  onLanguage: (language: Language) => void;
}) {
  const { t } = useTexts();
  const [state, setState] = useState<Start | { is: 'starting' }>({ is: 'starting' });

  const follow = useCallback((start: Promise<Start>) => {
    setState({ is: 'starting' });
    void start.then(setState);
  }, []);
  const start = () => follow(begin());
  const failed = useCallback((error: unknown) => setState(whyNot(error)), []);

  useEffect(() => follow(first), [follow, first]);

  switch (state.is) {
    case 'starting':
      return <Opening />;
    case 'choosing':
      return (
        <ChoosePerson
          users={state.demo.users}
          onChoose={(user) => {
            choose(user);
            follow(be(user, state.demo, state.settings));
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
              <Button variant="default" onClick={start}>
                {t.haveSignedIn}
              </Button>
            }
          >
            {t.signedOutHint}
          </EmptyState>
        </main>
      );
    case 'failed':
      return <CannotOpen why={state.why} onAnswer={setState} onTryAgain={start} />;
    case 'signed in':
      return (
        <Boundary
          fallback={(notice) => (
            <>
              <Opening start={state} />
              {notice}
            </>
          )}
        >
          <Suspense fallback={<Opening start={state} />}>
            <SignedIn
              key={state.user.id}
              start={state}
              onLanguage={onLanguage}
              onFailed={failed}
              onChoose={(user) => {
                choose(user);
                follow(be(user, state.demo!, state.settings));
              }}
            />
          </Suspense>
        </Boundary>
      );
  }
}

/** Without the service nothing can be shown but that. Goes on by itself when the service answers. */
function CannotOpen({
  why,
  onAnswer,
  onTryAgain,
}: {
  why: Refused;
  onAnswer: (start: Start) => void;
  onTryAgain: () => void;
}) {
  const { t, told } = useTexts();
  const unreachable = why.status === 0;
  const person = chosenHere();
  const waiting = person === null ? 0 : keptNames(`outbox:${person}:`).length;
  const answered = useEffectEvent(onAnswer);
  useEffect(() => {
    if (!unreachable) {
      return;
    }
    let busy = false;
    let ended = false;
    const ask = async () => {
      if (busy) {
        return;
      }
      busy = true;
      const there = await fetch('/page.json').catch(() => null);
      const start = there?.ok ? await begin() : null;
      busy = false;
      if (start && !ended) {
        answered(start);
      }
    };
    const look = () => void ask();
    const timer = setInterval(look, PROBE);
    addEventListener('online', look);
    return () => {
      ended = true;
      clearInterval(timer);
      removeEventListener('online', look);
    };
  }, [unreachable]);
  return (
    <main className="whole">
      <EmptyState
        icon={<CloudOff size={26} />}
        title={t.cannotOpen}
        action={
          <Button variant="default" onClick={onTryAgain}>
            {t.tryAgain}
          </Button>
        }
      >
        {told(why)}
        {unreachable && waiting > 0 && ` ${t.keptForLater(waiting)}`}
      </EmptyState>
    </main>
  );
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
