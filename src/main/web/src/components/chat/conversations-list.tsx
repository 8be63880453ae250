import {
  Archive,
  Ban,
  CheckCheck,
  CloudOff,
  MessageSquarePlus,
  Search,
  SearchX,
  X,
} from 'lucide-react';
import {
  Suspense,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  type KeyboardEvent,
  type ReactNode,
} from 'react';
import { flushSync } from 'react-dom';
import { useInView } from 'react-intersection-observer';
import { ConversationItem } from './conversation-item';
import { EmptyState } from './empty-state';
import { Headline } from './headline';
import { Skeletons } from './skeletons';
import { Boundary } from '@/components/ui/boundary';
import { Button } from '@/components/ui/button';
import { Avatar } from '@/components/ui/avatar';
import { IconButton } from '@/components/ui/icon-button';
import { Opened } from '@/components/ui/opened';
import { Input } from '@/components/ui/input';
import { part } from '@/components/ui/part';
import { useChat, useOutage, useStore } from '@/hooks/use-chat';
import { useDebounced } from '@/hooks/use-debounced';
import { useTexts } from '@/hooks/use-texts';
import { kept, onKept } from '@/lib/keep';
import { mayHelp } from '@/lib/refusals';
import { reveal } from '@/lib/scroll';
import { PAGE_SIZE } from '@/lib/settings';
import type { Conversation, MessageMatch, Problem, User } from '@/lib/types';

const BlockedUsersDialog = part(
  async () => (await import('./blocked-users-dialog')).BlockedUsersDialog,
);

// A short list needs none of it.
const conversationRows = () => import('./conversation-rows');
const ConversationRows = part(async () => (await conversationRows()).ConversationRows);

type Filter = 'all' | 'unread' | 'archived';

const FILTERS: Filter[] = ['all', 'unread', 'archived'];

export interface ConversationsListProps {
  currentUser: User;
  selected?: string | null;
  onConversationSelect: (conversationId: string, seq?: number) => void;
  onNewChat?: () => void;
}

export function ConversationsList({
  currentUser,
  selected = null,
  onConversationSelect,
  onNewChat,
}: ConversationsListProps) {
  const session = useChat();
  const { t, told } = useTexts();
  const [filter, setFilter] = useState<Filter>('all');
  const archived = filter === 'archived';
  const search = useRef<HTMLInputElement>(null);
  const pane = useRef<HTMLDivElement>(null);
  const [reached, setReached] = useState<string | null>(null); // by arrow keys: where Tab comes back to
  const [blocked, setBlocked] = useState(false);
  const [searchQuery, setSearchQuery] = useState('');
  const outage = useOutage();
  useDrafts(currentUser.id);
  const list = archived ? session.archive : session.inbox;
  const { conversations, ready, hasMore, problem } = useStore(list);
  const [end] = useInView({
    rootMargin: '200px',
    onChange: (inView) => inView && void list.loadMore(),
  });
  const query = useDebounced(searchQuery.trim());

  // An open one stays in the list of unread ones although it is read by now.
  const shown =
    filter === 'unread'
      ? conversations.filter(({ id, unread_count }) => unread_count > 0 || id === selected)
      : conversations;
  const stop = [reached, selected].find((id) => shown.some((one) => one.id === id)) ?? shown[0]?.id;

  useEffect(() => {
    const pressed = (event: globalThis.KeyboardEvent) => {
      const wanted = event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey);
      if (wanted && !event.defaultPrevented && !event.altKey && !event.shiftKey) {
        event.preventDefault(); // else the browser's own search
        search.current?.focus();
        search.current?.select();
      }
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, []);

  useEffect(() => {
    if (archived) {
      void session.archive.load();
    }
  }, [archived, session]);

  // A list that becomes long is made anew, and the row with the focus with it.
  const isLong = shown.length > PAGE_SIZE;
  useEffect(() => {
    if (hasMore) {
      void conversationRows().catch(() => {});
    }
  }, [hasMore]);
  useLayoutEffect(() => {
    if (reached && document.activeElement === document.body) {
      const row = pane.current?.querySelector<HTMLElement>(`[data-conversation="${reached}"]`);
      row?.focus({ preventScroll: true });
    }
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only then
  }, [isLong]);

  const searching = query !== '' && searchQuery.trim() !== '';
  // What is not on the screen is not in the document, until an arrow key leads there.
  const pressed = (event: KeyboardEvent<HTMLElement>) =>
    moveByArrows(event, searching ? null : shown.map(({ id }) => id), (id) =>
      flushSync(() => setReached(id)),
    );

  const choose = (conversationId: string, seq?: number) => {
    setSearchQuery('');
    onConversationSelect(conversationId, seq);
  };

  const item = (conversation: Conversation) => (
    <ConversationItem
      conversation={conversation}
      currentUser={currentUser}
      selected={conversation.id === selected}
      draft={kept(`draft:${currentUser.id}:${conversation.id}`)}
      tabIndex={conversation.id === stop ? 0 : -1}
      onSelect={choose}
    />
  );
  const rows = (some: Conversation[]) => (
    <ul className="conversations">
      {some.map((conversation) => (
        <li key={conversation.id}>{item(conversation)}</li>
      ))}
    </ul>
  );

  return (
    <section className="sidebar" aria-label={t.conversations} onKeyDown={pressed}>
      <header className="sidebar-header">
        <h2>{t.messages}</h2>
        <IconButton label={t.blockedPeople} onClick={() => setBlocked(true)}>
          <Ban size={18} />
        </IconButton>
        {onNewChat && (
          <IconButton label={t.newConversation} className="icon-button-main" onClick={onNewChat}>
            <MessageSquarePlus size={19} />
          </IconButton>
        )}
      </header>
      <Opened when={blocked}>
        <BlockedUsersDialog open={blocked} onOpenChange={setBlocked} />
      </Opened>
      <div className="sidebar-search">
        <Search size={17} aria-hidden="true" />
        <Input
          ref={search}
          type="search"
          placeholder={t.searchConversations}
          aria-label={t.searchEverything}
          value={searchQuery}
          onChange={(event) => setSearchQuery(event.target.value)}
          aria-keyshortcuts="Control+K"
          onKeyDown={(event) => event.key === 'Escape' && setSearchQuery('')}
        />
        {searchQuery !== '' && (
          <IconButton label={t.clearSearch} onClick={() => setSearchQuery('')}>
            <X size={15} />
          </IconButton>
        )}
      </div>
      <div className="filters" role="group" aria-label={t.show}>
        {FILTERS.map((value) => (
          <button
            key={value}
            type="button"
            className="filter"
            aria-pressed={filter === value}
            onClick={() => setFilter(value)}
          >
            {t.filters[value]}
          </button>
        ))}
      </div>
      <div
        ref={pane}
        className="sidebar-scroll"
        onFocus={({ target }) => setReached((now) => target.dataset.conversation ?? now)}
      >
        {searching ? (
          <SearchResults query={query} currentUser={currentUser} onConversationSelect={choose} />
        ) : problem && conversations.length === 0 && !(outage && problem.temporary) ? (
          <EmptyState
            icon={<CloudOff size={24} />}
            title={t.cannotLoadConversations}
            action={
              mayHelp(problem) && <Button onClick={() => void list.load()}>{t.tryAgain}</Button>
            }
          >
            {told(problem)}
          </EmptyState>
        ) : !ready ? (
          <Skeletons />
        ) : shown.length === 0 && filter === 'unread' ? (
          <EmptyState icon={<CheckCheck size={24} />} title={t.allRead} />
        ) : conversations.length === 0 ? (
          archived ? (
            <EmptyState icon={<Archive size={24} />} title={t.nothingArchived}>
              {t.nothingArchivedHint}
            </EmptyState>
          ) : (
            <EmptyState
              title={t.noConversations}
              action={
                onNewChat && (
                  <Button variant="default" onClick={onNewChat}>
                    {t.startOne}
                  </Button>
                )
              }
            >
              {t.noConversationsHint}
            </EmptyState>
          )
        ) : (
          <>
            {isLong ? (
              <Boundary fallback={() => rows(shown)}>
                <Suspense fallback={rows(shown.slice(0, PAGE_SIZE))}>
                  <ConversationRows
                    conversations={shown}
                    hasMore={hasMore}
                    stop={stop}
                    item={item}
                  />
                </Suspense>
              </Boundary>
            ) : (
              rows(shown)
            )}
            {hasMore && <div key={conversations.length} ref={end} className="list-end" />}
          </>
        )}
      </div>
    </section>
  );
}

/**
 * Arrow keys lead from the search to the list and through it; the pane scrolls with them.
 *
 * @param ids of the whole list, of which the document has a part; null for what a search has found
 * @param reach puts one of them into the document
 */
function moveByArrows(
  event: KeyboardEvent<HTMLElement>,
  ids: string[] | null,
  reach: (id: string) => void,
): void {
  const list = event.currentTarget;
  const found = [...list.querySelectorAll<HTMLElement>('.conversation')];
  const focused = document.activeElement as HTMLElement;
  const at = ids ? ids.indexOf(focused.dataset.conversation ?? '') : found.indexOf(focused);
  const last = (ids ?? found).length - 1;
  const to =
    event.key === 'ArrowDown'
      ? Math.min(at + 1, last)
      : event.key === 'ArrowUp'
        ? Math.max(at - 1, 0)
        : event.key === 'Home'
          ? 0
          : event.key === 'End'
            ? last
            : -1;
  const inSearch = event.target instanceof HTMLInputElement;
  if (to < 0 || (at < 0 && !(inSearch && event.key === 'ArrowDown'))) {
    return;
  }
  event.preventDefault();
  const id = ids?.[to];
  if (id) {
    reach(id);
  }
  const item = id ? list.querySelector<HTMLElement>(`[data-conversation="${id}"]`) : found[to];
  if (item) {
    item.focus({ preventScroll: true });
    reveal(item, item.closest('.sidebar-scroll')!, 'nearest', 4);
  }
}

/** Shown anew when another tab writes or sends a draft. */
function useDrafts(userId: string): void {
  const [, setTold] = useState(0);
  useEffect(() => onKept(`draft:${userId}:`, () => setTold((now) => now + 1)), [userId]);
}

/** Conversations by name, people of the team, and what was said: each as soon as it is there. */
function SearchResults({
  query,
  currentUser,
  onConversationSelect,
}: {
  query: string;
  currentUser: User;
  onConversationSelect: (conversationId: string, seq?: number) => void;
}) {
  const session = useChat();
  const { t, told, times } = useTexts();
  const { conversations } = useStore(session.inbox);
  const [found, setFound] = useState<{
    query: string;
    users: User[];
    messages: MessageMatch[];
    trouble: Problem | null;
  } | null>(null);

  useEffect(() => {
    let current = true;
    void Promise.all([
      session.api.searchUsers(query, currentUser.id),
      session.api.searchMessages(query),
    ]).then(([users, messages]) => {
      if (current) {
        const error = users.error ?? (messages.error?.reason === 'no_word' ? null : messages.error);
        setFound({
          query,
          users: users.data ?? [],
          messages: messages.data ?? [],
          trouble: error,
        });
      }
    });
    return () => {
      current = false;
    };
  }, [session, query, currentUser]);

  // What is on the screen at once; then who is found otherwise: without accents, surname first.
  const people = found?.query === query ? found.users.map(({ id }) => id) : [];
  const all = conversations.filter(
    ({ other_user }) =>
      other_user.full_name.toLowerCase().includes(query.toLowerCase()) ||
      people.includes(other_user.id),
  );
  const matching = all.slice(0, PAGE_SIZE);
  const others =
    found?.users.filter(({ id }) => !all.some(({ other_user }) => other_user.id === id)) ?? [];
  const nameOf = (message: MessageMatch) => {
    const conversation = conversations.find(({ id }) => id === message.conversation_id);
    return message.sender_id === currentUser.id
      ? t.youTo(conversation?.other_user.full_name ?? '…')
      : (message.sender?.full_name ?? conversation?.other_user.full_name ?? '');
  };
  const open = async (user: User) => {
    const { data } = await session.api.getOrCreateConversation(currentUser.id, user.id);
    if (data) {
      await session.inbox.refresh(data);
      onConversationSelect(data);
    }
  };

  if (found?.trouble) {
    return (
      <EmptyState icon={<CloudOff size={24} />} title={t.searchFailed}>
        {told(found.trouble)}
      </EmptyState>
    );
  }
  if (found?.query === query && matching.length + others.length + found.messages.length === 0) {
    return (
      <EmptyState icon={<SearchX size={24} />} title={t.nothingFound(query)}>
        {t.searchHint}
      </EmptyState>
    );
  }
  return (
    <>
      {matching.length > 0 && (
        <Results title={t.conversations}>
          {matching.map((conversation) => (
            <li key={conversation.id}>
              <ConversationItem
                conversation={conversation}
                currentUser={currentUser}
                onSelect={onConversationSelect}
              />
            </li>
          ))}
          {all.length > matching.length && <li className="people-more">{t.morePeople}</li>}
        </Results>
      )}
      {others.length > 0 && (
        <Results title={t.people}>
          {others.map((user) => (
            <li key={user.id}>
              <button type="button" className="conversation" onClick={() => void open(user)}>
                <Avatar id={user.id} name={user.full_name} url={user.avatar_url} />
                <span className="conversation-text">
                  <span className="conversation-name">{user.full_name}</span>
                  <span className="conversation-preview">{user.email}</span>
                </span>
              </button>
            </li>
          ))}
          {found?.users[0]?.has_more && <li className="people-more">{t.morePeople}</li>}
        </Results>
      )}
      {found && found.messages.length > 0 && (
        <Results title={t.messages}>
          {found.messages.map((message) => (
            <li key={message.id}>
              <button
                type="button"
                className="conversation"
                onClick={() => onConversationSelect(message.conversation_id, message.seq)}
              >
                <span className="conversation-text">
                  <span className="conversation-line">
                    <span className="conversation-name">{nameOf(message)}</span>
                    <time dir="auto" dateTime={message.created_at}>
                      {times.shortly(message.created_at)}
                    </time>
                  </span>
                  <span className="search-headline" dir="auto">
                    <Headline text={message.headline} />
                  </span>
                </span>
              </button>
            </li>
          ))}
        </Results>
      )}
    </>
  );
}

function Results({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <h3 className="results-title">{title}</h3>
      <ul className="conversations">{children}</ul>
    </section>
  );
}
