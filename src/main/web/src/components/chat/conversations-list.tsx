import {
  Archive,
  ArrowLeft,
  Ban,
  CloudOff,
  MessageSquarePlus,
  Search,
  SearchX,
  X,
} from 'lucide-react';
import { useEffect, useState, type ReactNode } from 'react';
import { useInView } from 'react-intersection-observer';
import { BlockedUsersDialog } from './blocked-users-dialog';
import { ConversationItem } from './conversation-item';
import { EmptyState } from './empty-state';
import { Avatar } from '@/components/ui/avatar';
import { IconButton } from '@/components/ui/icon-button';
import { useChat, useStore } from '@/hooks/use-chat';
import { useDebounced } from '@/hooks/use-debounced';
import { kept } from '@/lib/keep';
import { shortly } from '@/lib/time';
import type { MessageMatch, User } from '@/lib/types';

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
  const [archived, setArchived] = useState(false);
  const [blocked, setBlocked] = useState(false);
  const [searchQuery, setSearchQuery] = useState('');
  const list = archived ? session.archive : session.inbox;
  const { conversations, ready, hasMore, problem } = useStore(list);
  const [end] = useInView({
    rootMargin: '200px',
    onChange: (inView) => inView && void list.loadMore(),
  });
  const query = useDebounced(searchQuery.trim());

  useEffect(() => {
    if (archived) {
      void session.archive.load();
    }
  }, [archived, session]);

  const choose = (conversationId: string, seq?: number) => {
    setSearchQuery('');
    onConversationSelect(conversationId, seq);
  };

  return (
    <section className="sidebar" aria-label="Conversations">
      <header className="sidebar-header">
        {archived ? (
          <>
            <IconButton label="Back to all conversations" onClick={() => setArchived(false)}>
              <ArrowLeft size={20} />
            </IconButton>
            <h2>Archived</h2>
          </>
        ) : (
          <>
            <h2>Messages</h2>
            <IconButton label="Blocked people" onClick={() => setBlocked(true)}>
              <Ban size={18} />
            </IconButton>
            <IconButton label="Archived conversations" onClick={() => setArchived(true)}>
              <Archive size={19} />
            </IconButton>
            {onNewChat && (
              <IconButton label="New conversation" className="icon-button-main" onClick={onNewChat}>
                <MessageSquarePlus size={19} />
              </IconButton>
            )}
          </>
        )}
      </header>
      <BlockedUsersDialog open={blocked} onOpenChange={setBlocked} />
      <div className="sidebar-search">
        <Search size={17} aria-hidden="true" />
        <input
          type="search"
          placeholder="Search conversations..."
          aria-label="Search people and messages"
          value={searchQuery}
          onChange={(event) => setSearchQuery(event.target.value)}
          onKeyDown={(event) => event.key === 'Escape' && setSearchQuery('')}
        />
        {searchQuery !== '' && (
          <IconButton label="Clear search" onClick={() => setSearchQuery('')}>
            <X size={15} />
          </IconButton>
        )}
      </div>
      <div className="sidebar-scroll">
        {query !== '' && searchQuery.trim() !== '' ? (
          <SearchResults query={query} currentUser={currentUser} onConversationSelect={choose} />
        ) : problem && conversations.length === 0 ? (
          <EmptyState
            icon={<CloudOff size={24} />}
            title="Your conversations cannot be loaded"
            action={
              <button type="button" className="button" onClick={() => void list.load()}>
                Try again
              </button>
            }
          >
            {problem.message} {problem.hint}
          </EmptyState>
        ) : !ready ? (
          <Skeletons />
        ) : conversations.length === 0 ? (
          archived ? (
            <EmptyState icon={<Archive size={24} />} title="Nothing archived">
              Conversations you archive wait here until a new message brings them back.
            </EmptyState>
          ) : (
            <EmptyState
              title="No conversations yet"
              action={
                onNewChat && (
                  <button type="button" className="button button-main" onClick={onNewChat}>
                    Start one
                  </button>
                )
              }
            >
              Write to somebody of your team.
            </EmptyState>
          )
        ) : (
          <>
            <ul className="conversations">
              {conversations.map((conversation) => (
                <ConversationItem
                  key={conversation.id}
                  conversation={conversation}
                  currentUser={currentUser}
                  selected={conversation.id === selected}
                  draft={kept(`draft:${currentUser.id}:${conversation.id}`)}
                  onSelect={choose}
                />
              ))}
            </ul>
            {hasMore && <div ref={end} className="list-end" />}
          </>
        )}
      </div>
    </section>
  );
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
  const { conversations } = useStore(session.inbox);
  const [found, setFound] = useState<{
    query: string;
    users: User[];
    messages: MessageMatch[];
    trouble: string | null;
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
          trouble: error && error.message,
        });
      }
    });
    return () => {
      current = false;
    };
  }, [session, query, currentUser]);

  // What is on the screen at once; then who is found otherwise: without accents, surname first.
  const people = found?.query === query ? found.users.map(({ id }) => id) : [];
  const matching = conversations.filter(
    ({ other_user }) =>
      other_user.full_name.toLowerCase().includes(query.toLowerCase()) ||
      people.includes(other_user.id),
  );
  const others =
    found?.users.filter(({ id }) => !matching.some(({ other_user }) => other_user.id === id)) ?? [];
  const nameOf = (message: MessageMatch) => {
    const conversation = conversations.find(({ id }) => id === message.conversation_id);
    return message.sender_id === currentUser.id
      ? `You to ${conversation?.other_user.full_name ?? '…'}`
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
      <EmptyState icon={<CloudOff size={24} />} title="The search did not work">
        {found.trouble}
      </EmptyState>
    );
  }
  if (found?.query === query && matching.length + others.length + found.messages.length === 0) {
    return (
      <EmptyState icon={<SearchX size={24} />} title={`Nothing found for “${query}”`}>
        A message is found by the first letters of its words, all in one message.
      </EmptyState>
    );
  }
  return (
    <>
      {matching.length > 0 && (
        <Results title="Conversations">
          {matching.map((conversation) => (
            <ConversationItem
              key={conversation.id}
              conversation={conversation}
              currentUser={currentUser}
              onSelect={onConversationSelect}
            />
          ))}
        </Results>
      )}
      {others.length > 0 && (
        <Results title="People">
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
          {found?.users[0]?.has_more && (
            <li className="people-more">More people match. Type more of a name.</li>
          )}
        </Results>
      )}
      {found && found.messages.length > 0 && (
        <Results title="Messages">
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
                    <time dateTime={message.created_at}>{shortly(message.created_at)}</time>
                  </span>
                  <span className="search-headline">
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

/** Hits stand between U+E000 and U+E001; the rest is text. */
function Headline({ text }: { text: string }) {
  return text.split('\uE000').map((part, i) => {
    const [hit, rest] = i === 0 ? ['', part] : part.split('\uE001', 2);
    return (
      <span key={i}>
        {hit && <mark>{hit}</mark>}
        {rest}
      </span>
    );
  });
}

function Skeletons() {
  return (
    <div className="skeletons" role="status" aria-label="Loading">
      {[72, 54, 63, 48, 58].map((width, i) => (
        <div key={i} className="skeleton">
          <span className="skeleton-face" />
          <span className={`skeleton-lines skeleton-${width}`}>
            <i />
            <i />
          </span>
        </div>
      ))}
    </div>
  );
}
