import { SearchX, UsersRound } from 'lucide-react';
import { useEffect, useState, type KeyboardEvent } from 'react';
import { EmptyState } from './empty-state';
import { Avatar } from '@/components/ui/avatar';
import { Dialog } from '@/components/ui/dialog';
import { Input } from '@/components/ui/input';
import { useChat } from '@/hooks/use-chat';
import { useDebounced } from '@/hooks/use-debounced';
import { useTexts } from '@/hooks/use-texts';
import { isComposing } from '@/lib/script';
import { reveal } from '@/lib/scroll';
import type { Problem, User } from '@/lib/types';

export interface NewChatDialogProps {
  currentUser: User;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onConversationCreated: (conversationId: string) => void;
}

/** The chosen one stays on the screen, however many there are. */
const intoView = (element: HTMLElement | null) => {
  if (element) {
    reveal(element, element.parentElement!, 'nearest');
  }
};

export function NewChatDialog({
  currentUser,
  open,
  onOpenChange,
  onConversationCreated,
}: NewChatDialogProps) {
  const { api, inbox } = useChat();
  const { t, told } = useTexts();
  const [searchQuery, setSearchQuery] = useState('');
  const [users, setUsers] = useState<User[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [active, setActive] = useState(0);
  const query = useDebounced(searchQuery.trim());

  useEffect(() => {
    if (!open) {
      setSearchQuery('');
      setUsers(null);
      setProblem(null);
      return;
    }
    let current = true;
    void api
      .searchUsers(query, currentUser.id, currentUser.team_id ?? undefined)
      .then(({ data, error }) => {
        if (current) {
          setUsers(data ?? []);
          setProblem(error);
          setActive(0);
        }
      });
    return () => {
      current = false;
    };
  }, [api, open, query, currentUser]);

  const startConversation = async (otherUser: User) => {
    const { data, error } = await api.getOrCreateConversation(currentUser.id, otherUser.id);
    if (error) {
      setProblem(error);
      return;
    }
    await inbox.refresh(data);
    onOpenChange(false);
    onConversationCreated(data);
  };

  const pressed = (event: KeyboardEvent) => {
    if (isComposing(event)) {
      return;
    }
    const count = users?.length ?? 0;
    if (count > 0 && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
      event.preventDefault();
      setActive((now) => (now + (event.key === 'ArrowDown' ? 1 : count - 1)) % count);
    } else if (event.key === 'Enter' && users?.[active]) {
      event.preventDefault();
      void startConversation(users[active]);
    }
  };

  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={t.startNew}>
      <Input
        type="search"
        autoFocus
        className="search-field"
        placeholder={t.searchMembersHere}
        aria-label={t.searchMembers}
        role="combobox"
        aria-expanded={(users?.length ?? 0) > 0}
        aria-controls="new-chat-people"
        aria-activedescendant={users?.[active] ? `new-chat-${users[active].id}` : undefined}
        autoComplete="off"
        value={searchQuery}
        onChange={(event) => setSearchQuery(event.target.value)}
        onKeyDown={pressed}
      />
      {problem && (
        <p className="field-problem" role="alert">
          {told(problem)}
        </p>
      )}
      <div id="new-chat-people" role="listbox" aria-label={t.people} className="people">
        {users?.map((user, i) => (
          <div
            key={user.id}
            id={`new-chat-${user.id}`}
            role="option"
            aria-selected={i === active}
            ref={i === active ? intoView : undefined}
            className="person"
            onMouseMove={() => setActive(i)}
            onClick={() => void startConversation(user)}
          >
            <Avatar id={user.id} name={user.full_name} url={user.avatar_url} />
            <span className="person-text">
              <span className="person-name">{user.full_name}</span>
              <span className="person-about">{user.email}</span>
            </span>
          </div>
        ))}
      </div>
      {users?.[0]?.has_more && (
        <p className="people-more" role="status">
          {t.firstShown(users.length)}
        </p>
      )}
      {users?.length === 0 && !problem && (
        <EmptyState
          icon={query ? <SearchX size={24} /> : <UsersRound size={24} />}
          title={query ? t.nobodyFound(query) : t.nobodyElse}
        />
      )}
    </Dialog>
  );
}
