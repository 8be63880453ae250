import { Search, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { Headline } from './headline';
import { Button } from '@/components/ui/button';
import { IconButton } from '@/components/ui/icon-button';
import { Input } from '@/components/ui/input';
import { useChat } from '@/hooks/use-chat';
import { useDebounced } from '@/hooks/use-debounced';
import { useTexts } from '@/hooks/use-texts';
import type { MessageMatch, Problem } from '@/lib/types';

const PAGE = 20;

interface Found {
  query: string;
  messages: MessageMatch[];
  hasMore: boolean;
  problem: Problem | null;
}

/** Finds messages of one conversation; each leads to its place among the others. */
export function ConversationSearch({
  conversationId,
  nameOf,
  onOpen,
  onClose,
}: {
  conversationId: string;
  nameOf: (senderId: string) => string;
  onOpen: (seq: number) => void;
  onClose: () => void;
}) {
  const { api } = useChat();
  const { t, told, times } = useTexts();
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState('');
  const [found, setFound] = useState<Found | null>(null);
  const query = useDebounced(text.trim());
  const latest = useRef(query);
  latest.current = query;

  useEffect(() => field.current?.focus(), []);

  const load = async (before?: Found) => {
    const { data, error } = await api.searchMessages(query, {
      conversationId,
      limit: PAGE,
      ...(before && { beforeId: before.messages.at(-1)!.id }),
    });
    if (latest.current === query) {
      setFound({
        query,
        messages: [...(before?.messages ?? []), ...(data ?? [])],
        hasMore: data?.length === PAGE,
        problem: error?.reason === 'no_word' ? null : error,
      });
    }
  };

  useEffect(() => {
    if (query !== '') {
      void load();
    } else {
      setFound(null);
    }
  }, [query]);

  return (
    <search className="chat-search" onKeyDown={(event) => event.key === 'Escape' && onClose()}>
      <div className="sidebar-search">
        <Search size={17} aria-hidden="true" />
        <Input
          ref={field}
          type="search"
          placeholder={t.searchHere}
          aria-label={t.searchHere}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <IconButton label={t.closeSearch} onClick={onClose}>
          <X size={15} />
        </IconButton>
      </div>
      <p className="unseen" role="status">
        {found && !found.problem && t.foundMessages(found.messages.length, found.hasMore)}
      </p>
      {found && (
        <ul className="chat-search-found" aria-label={t.messages}>
          {found.problem ? (
            <li className="field-problem">{told(found.problem)}</li>
          ) : (
            found.messages.length === 0 && <li>{t.nothingFound(found.query)}</li>
          )}
          {found.messages.map((message) => (
            <li key={message.id}>
              <button type="button" className="found" onClick={() => onOpen(message.seq)}>
                <span className="conversation-line">
                  <span className="conversation-name">{nameOf(message.sender_id)}</span>
                  <time dir="auto" dateTime={message.created_at}>
                    {times.shortly(message.created_at)}
                  </time>
                </span>
                <span className="search-headline" dir="auto">
                  <Headline text={message.headline} />
                </span>
              </button>
            </li>
          ))}
          {found.hasMore && (
            <li>
              <Button variant="link" onClick={() => void load(found)}>
                {t.showMore}
              </Button>
            </li>
          )}
        </ul>
      )}
    </search>
  );
}
