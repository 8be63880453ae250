import { Loader, LogOut, WifiOff } from 'lucide-react';
import { Suspense, useEffect, useEffectEvent, useState } from 'react';
import { ConversationsList } from './conversations-list';
import { EmptyState } from './empty-state';
import { Boundary } from '@/components/ui/boundary';
import { Button } from '@/components/ui/button';
import { Opened } from '@/components/ui/opened';
import { part } from '@/components/ui/part';
import { refuseFiles } from '@/hooks/use-attachments';
import { useChat, useStore, useUnreadCount } from '@/hooks/use-chat';
import { useLanguageAttributes, useTexts } from '@/hooks/use-texts';
import { useRoute } from '@/hooks/use-route';
import { kept } from '@/lib/keep';
import { onNotificationClick } from '@/lib/notification-clicks';
import { allowSound, chime } from '@/lib/sound';
import type { User } from '@/lib/types';

// The list comes first; what is beside it and over it is loaded meanwhile.
const conversation = () => import('./user-chat-interface');
const UserChatInterface = part(async () => (await conversation()).UserChatInterface);
const DesktopNotifications = part(
  async () => (await import('./desktop-notifications')).DesktopNotifications,
);
const NewChatDialog = part(async () => (await import('./new-chat-dialog')).NewChatDialog);

export interface MessagesPageProps {
  user: User;
  /** Where it is mounted: /messages, /dashboard/user/messages. The open conversation is the next part of the path. */
  basePath?: string;
  sound?: boolean;
  /** Shows messages on the desktop while nobody looks, where the person has turned that on; offers it to them. */
  notifications?: boolean;
  /** Leads to the application's sign-in, when the person's token has ended. */
  onSignIn?: (() => void) | undefined;
}

/** The specification's page: list and chat side by side, one at a time on a phone. Fills its container. Needs a ChatProvider. */
export function MessagesPage({
  user,
  basePath = '/messages',
  sound = true,
  notifications = false,
  onSignIn,
}: MessagesPageProps) {
  const session = useChat();
  const { t } = useTexts();
  const attributes = useLanguageAttributes();
  const { connection, signedOut } = useStore(session);
  const { conversations, ready } = useStore(session.inbox);
  const [selectedConversation, selectConversation] = useRoute(basePath);
  const [target, setTarget] = useState<{ conversation: string; seq: number } | null>(() =>
    linked(selectedConversation),
  );
  const [newChat, setNewChat] = useState(false);
  const outside = useOutside();
  const selected = conversations.find(({ id }) => id === selectedConversation);

  useEffect(() => void conversation().catch(() => {}), []); // where it is shown, it is told
  useRefusedFiles();
  useTitle();
  useChime(sound, selectedConversation);

  // A message's address, opened in this window.
  useEffect(() => {
    const moved = () => setTarget(linked(selectedConversation));
    addEventListener('hashchange', moved);
    return () => removeEventListener('hashchange', moved);
  }, [selectedConversation]);

  const select = (conversationId: string, seq?: number) => {
    setTarget(seq === undefined ? null : { conversation: conversationId, seq });
    selectConversation(conversationId);
  };

  const open = useEffectEvent(select);
  useEffect(() => (notifications ? onNotificationClick(open) : undefined), [notifications]);

  return (
    <div className="gptdesk-chat gptdesk-chat-page" {...attributes}>
      <div className={`messages-page${selectedConversation ? ' messages-page-open' : ''}`}>
        {selectedConversation && (
          <button
            type="button"
            className="skip"
            onClick={(event) =>
              event.currentTarget
                .closest('.messages-page')!
                .querySelector<HTMLElement>('.composer textarea')
                ?.focus()
            }
          >
            {t.skip}
          </button>
        )}
        <h1 className="unseen">{t.messages}</h1>
        {signedOut ? (
          <SignedOutBanner onSignIn={onSignIn} />
        ) : (
          <ConnectionBanner connection={connection} />
        )}
        {notifications && outside && (
          <Boundary fallback={() => null}>
            <Suspense>
              <DesktopNotifications basePath={basePath} onOpen={select} />
            </Suspense>
          </Boundary>
        )}
        <div className="messages-panes">
          <ConversationsList
            currentUser={user}
            selected={selectedConversation}
            onConversationSelect={select}
            onNewChat={() => setNewChat(true)}
          />
          {selectedConversation ? (
            <Boundary>
              <Suspense fallback={<section className="chat" aria-busy="true" />}>
                <UserChatInterface
                  key={`${user.id}:${selectedConversation}`}
                  conversationId={selectedConversation}
                  currentUser={user}
                  otherUser={selected?.other_user}
                  target={target?.conversation === selectedConversation ? target.seq : undefined}
                  onBack={() => selectConversation(null)}
                />
              </Suspense>
            </Boundary>
          ) : (
            <section className="chat chat-none" aria-label={t.noneChosen}>
              <EmptyState
                title={ready && conversations.length === 0 ? t.startFirst : t.choose}
                action={
                  <Button variant="default" onClick={() => setNewChat(true)}>
                    {t.newConversation}
                  </Button>
                }
              >
                {ready && conversations.length === 0 ? t.startFirstHint : t.chooseHint}
              </EmptyState>
            </section>
          )}
        </div>
        <Opened when={newChat}>
          <NewChatDialog
            currentUser={user}
            open={newChat}
            onOpenChange={setNewChat}
            onConversationCreated={select}
          />
        </Opened>
      </div>
    </div>
  );
}

function SignedOutBanner({ onSignIn }: { onSignIn: (() => void) | undefined }) {
  const session = useChat();
  const { t } = useTexts();
  return (
    <div role="alert" className="banner-place">
      <div className="banner">
        <LogOut className="flips" size={16} aria-hidden="true" />
        <span>{t.signedOutBanner}</span>
        <Button variant="link" onClick={onSignIn ?? (() => session.resume())}>
          {onSignIn ? t.signIn : t.haveSignedIn}
        </Button>
      </div>
    </div>
  );
}

function ConnectionBanner({ connection }: { connection: 'connecting' | 'online' | 'lost' }) {
  const { t } = useTexts();
  const [shown, setShown] = useState(false);
  useEffect(() => {
    if (connection !== 'connecting') {
      setShown(connection === 'lost');
      return;
    }
    const timer = setTimeout(() => setShown(true), 3000); // a quick start needs no words
    return () => clearTimeout(timer);
  }, [connection]);
  return (
    <div role="status" className="banner-place">
      {shown && (
        <div className="banner">
          {connection === 'lost' ? (
            <WifiOff size={16} aria-hidden="true" />
          ) : (
            <Loader size={16} aria-hidden="true" />
          )}
          {connection === 'lost' ? t.connectionLost : t.connecting}
        </div>
      )}
    </div>
  );
}

/** The message that the address names after its #, as "Copy link" writes it. */
function linked(conversation: string | null): { conversation: string; seq: number } | null {
  const seq = /^#(\d{1,15})$/.exec(location.hash)?.[1];
  return conversation && seq ? { conversation, seq: Number(seq) } : null;
}

/** Whether something may have to be shown outside of the page: its window was without the focus, or that is turned on already. */
function useOutside(): boolean {
  const [outside, setOutside] = useState(() => kept('notifications') === 'on');
  useEffect(() => {
    const leave = () => setOutside(true);
    if (!document.hasFocus()) {
      leave();
    }
    addEventListener('blur', leave, { once: true });
    return () => removeEventListener('blur', leave);
  }, []);
  return outside;
}

/** A file that is dropped beside a conversation is not opened in place of the page. */
function useRefusedFiles(): void {
  useEffect(() => {
    addEventListener('dragover', refuseFiles);
    addEventListener('drop', refuseFiles);
    return () => {
      removeEventListener('dragover', refuseFiles);
      removeEventListener('drop', refuseFiles);
    };
  }, []);
}

/** (3) in the title, as the badge of a tab. */
function useTitle(): void {
  const unread = useUnreadCount();
  const { t } = useTexts(); // another language is another title
  useEffect(() => {
    const bare = () => document.title.replace(/^\(\d+\) /, '');
    document.title = unread > 0 ? `(${unread}) ${bare()}` : bare();
    return () => {
      document.title = bare();
    };
  }, [unread, t]);
}

/** A sound for a message that nobody is looking at. */
function useChime(enabled: boolean, selected: string | null): void {
  const session = useChat();
  useEffect(() => {
    addEventListener('pointerdown', allowSound, { once: true });
    addEventListener('keydown', allowSound, { once: true });
    return () => {
      removeEventListener('pointerdown', allowSound);
      removeEventListener('keydown', allowSound);
    };
  }, []);
  useEffect(
    () =>
      session.onMessage((message) => {
        const looking =
          !document.hidden && document.hasFocus() && message.conversation_id === selected;
        if (enabled && !looking && !session.inbox.find(message.conversation_id)?.is_muted) {
          chime();
        }
      }),
    [enabled, selected, session],
  );
}
