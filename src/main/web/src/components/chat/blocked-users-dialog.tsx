import { Ban } from 'lucide-react';
import { useEffect, useState } from 'react';
import { EmptyState } from './empty-state';
import { Button } from '@/components/ui/button';
import { Avatar } from '@/components/ui/avatar';
import { Dialog } from '@/components/ui/dialog';
import { useChat } from '@/hooks/use-chat';
import { useTexts } from '@/hooks/use-texts';
import type { BlockedUser, Problem } from '@/lib/types';

const PAGE = 50;

/** Whom this person has blocked; each can be unblocked here, also who has left the team. */
export function BlockedUsersDialog({
  open,
  onOpenChange,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) {
  const { api } = useChat();
  const { t, told, times } = useTexts();
  const [users, setUsers] = useState<BlockedUser[] | null>(null);
  const [hasMore, setHasMore] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);

  const load = async (after?: BlockedUser) => {
    const { data, error } = await api.getBlockedUsers({ ...(after && { after }), limit: PAGE });
    setProblem(error);
    if (data) {
      setUsers((now) => (after ? [...(now ?? []), ...data] : data));
      setHasMore(data.length === PAGE);
    }
  };

  useEffect(() => {
    if (open) {
      setUsers(null);
      void load();
    }
  }, [open]);

  const unblock = async (user: BlockedUser) => {
    const { error } = await api.unblockUser(user.id);
    setProblem(error);
    if (!error) {
      setUsers((now) => now?.filter(({ id }) => id !== user.id) ?? null);
    }
  };

  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={t.blockedPeople}
      description={t.blockedAbout}
    >
      {problem && (
        <p className="field-problem" role="alert">
          {told(problem)}
        </p>
      )}
      <ul className="people" aria-label={t.blockedPeople}>
        {users?.map((user) => (
          <li key={user.id} className="person person-still">
            <Avatar id={user.id} name={user.full_name} url={user.avatar_url} />
            <span className="person-text">
              <span className="person-name">{user.full_name}</span>
              <span className="person-about">{t.blockedSince(times.shortly(user.blocked_at))}</span>
            </span>
            <Button aria-label={t.unblockPerson(user.full_name)} onClick={() => void unblock(user)}>
              {t.unblock}
            </Button>
          </li>
        ))}
      </ul>
      {hasMore && (
        <Button variant="link" onClick={() => void load(users?.at(-1))}>
          {t.showMore}
        </Button>
      )}
      {users?.length === 0 && !problem && (
        <EmptyState icon={<Ban size={24} />} title={t.blockedNobody} />
      )}
    </Dialog>
  );
}
