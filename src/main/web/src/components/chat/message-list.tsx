import { ArrowDown, CloudOff, Hand } from 'lucide-react';
import {
  Fragment,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { useInView } from 'react-intersection-observer';
import { EmptyState } from './empty-state';
import { MessageBubble, type MessageActions } from './message-bubble';
import { TypingIndicator } from './typing-indicator';
import { isOnItsWay, type ConversationFeed, type FeedState } from '@/lib/conversation-feed';
import { day } from '@/lib/time';
import type { ChatMessage, User } from '@/lib/types';

const TOGETHER = 5 * 60_000; // said within these milliseconds, messages of one person stand together
const NEAR = 80; // pixels from the end that still count as the end

export interface MessageListProps {
  feed: ConversationFeed;
  state: FeedState;
  currentUser: User;
  otherUser: User;
  typing: boolean;
  actions: MessageActions;
  /** The number to show first, when a search led here. */
  target?: number | undefined;
  onRead: (seq: number) => void;
}

export function MessageList({
  feed,
  state,
  currentUser,
  otherUser,
  typing,
  actions,
  target,
  onRead,
}: MessageListProps) {
  const { messages, conversation, ready, hasOlder, hasNewer, loadingOlder, problem } = state;
  const box = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const placed = useRef(false);
  const first = useRef<{ element: Element; place: number } | null>(null);
  const [away, setAway] = useState(false); // not at the end
  const [highlighted, setHighlighted] = useState<number | null>(null);
  const newLine = useNewLine(state, currentUser.id);

  // ---- where we are

  const toEnd = useCallback(() => {
    const area = box.current;
    if (area) {
      area.scrollTop = area.scrollHeight;
    }
  }, []);

  const scrolled = () => {
    const area = box.current!;
    atEnd.current = area.scrollHeight - area.scrollTop - area.clientHeight < NEAR;
    setAway(!atEnd.current);
  };

  // Before the browser paints: what came in above pushes nothing away, what came in below is followed when we were at the end.
  useLayoutEffect(() => {
    const area = box.current;
    if (!area || !ready) {
      return;
    }
    const held = first.current;
    if (held?.element.isConnected) {
      const moved = placeOf(held.element, area) - held.place;
      if (Math.abs(moved) > 0.5) {
        area.scrollTop += moved;
      }
    }
    if (!placed.current && messages.length > 0) {
      placed.current = true;
      const line = area.querySelector('.new-line');
      if (line && target === undefined) {
        line.scrollIntoView({ block: 'center' });
        scrolled();
      } else {
        toEnd();
      }
    } else if (atEnd.current && !hasNewer) {
      toEnd();
    }
    const element = area.querySelector('[data-seq]');
    first.current = element && { element, place: placeOf(element, area) };
  });

  // Its own message is always followed.
  const newest = messages.at(-1);
  const written = newest && isOnItsWay(newest) ? newest.id : null;
  useLayoutEffect(() => {
    if (written) {
      atEnd.current = true;
      toEnd();
    }
  }, [written, toEnd]);

  // A keyboard that opens, a window that changes, an image that fails: the end stays the end.
  useEffect(() => {
    const observer = new ResizeObserver(() => atEnd.current && toEnd());
    observer.observe(box.current!);
    observer.observe(content.current!);
    return () => observer.disconnect();
  }, [toEnd]);

  // A search led here.
  useEffect(() => {
    if (target === undefined) {
      return;
    }
    let timer: ReturnType<typeof setTimeout>;
    atEnd.current = false;
    void feed.around(target).then(() =>
      requestAnimationFrame(() => {
        atEnd.current = false;
        box.current?.querySelector(`[data-seq="${target}"]`)?.scrollIntoView({ block: 'center' });
        setHighlighted(target);
        timer = setTimeout(() => setHighlighted(null), 2500);
      }),
    );
    return () => clearTimeout(timer);
  }, [feed, target]);

  // ---- loading by scrolling, reading by seeing

  const [top] = useInView({
    root: box.current,
    rootMargin: '600px 0px 0px',
    onChange: (inView) => inView && void feed.loadOlder(),
  });
  const [bottom] = useInView({
    root: box.current,
    rootMargin: '0px 0px 600px',
    onChange: (inView) => inView && void feed.loadNewer(),
  });
  const seen = useSeen(conversation?.read_seq ?? 0, ready && conversation !== null, onRead);

  const unseenBelow = conversation
    ? messages.filter(
        (message) => message.sender_id === otherUser.id && message.seq > conversation.read_seq,
      ).length
    : 0;
  const back = () => {
    atEnd.current = true;
    void feed.latest().then(toEnd);
    toEnd();
  };

  const shown = useMemo(() => grouped(messages), [messages]);
  return (
    <div className="messages-frame">
      <div
        ref={box}
        className="messages"
        tabIndex={0}
        role="region"
        aria-label={`Messages with ${otherUser.full_name}`}
        onScroll={scrolled}
      >
        <div ref={content} className="messages-content">
          {ready && hasOlder && (
            <div key={`older-${messages[0]?.id}`} ref={top} className="list-edge" role="status">
              {loadingOlder ? 'Loading earlier messages…' : ''}
            </div>
          )}
          {ready && !hasOlder && messages.length > 0 && (
            <p className="list-start">
              This is where your conversation with {otherUser.full_name} begins.
            </p>
          )}
          {problem && (
            <div className="inline-problem" role="alert">
              <CloudOff size={16} aria-hidden="true" />
              <span>
                {problem.message} {problem.hint}
              </span>
              <button
                type="button"
                className="link-button"
                onClick={() => void (ready ? feed.catchUp() : feed.open())}
              >
                Try again
              </button>
            </div>
          )}
          {!ready && !problem && (
            <p className="list-edge" role="status">
              Loading messages…
            </p>
          )}
          {ready && messages.length === 0 && (
            <EmptyState
              icon={<Hand size={26} />}
              title={`Say hello to ${otherUser.full_name.split(' ')[0]}`}
            >
              Nobody else can read what you two write.
            </EmptyState>
          )}
          {shown.map(({ message, newDay, first: opens, last: closes }) => {
            const isOwn = message.sender_id === currentUser.id;
            const stored = !isOnItsWay(message);
            return (
              <Fragment key={message.id}>
                {newDay && (
                  <div className="day-line" role="separator" aria-label={day(message.created_at)}>
                    <span>{day(message.created_at)}</span>
                  </div>
                )}
                {stored && message.seq === newLine && (
                  <div className="new-line" role="separator" aria-label="New messages">
                    <span>New messages</span>
                  </div>
                )}
                <div
                  className="message-place"
                  {...(stored && { 'data-seq': message.seq })}
                  ref={
                    stored && !isOwn && conversation && message.seq > conversation.read_seq
                      ? seen
                      : undefined
                  }
                >
                  <MessageBubble
                    message={message}
                    isOwn={isOwn}
                    userId={currentUser.id}
                    senderName={otherUser.full_name}
                    first={opens}
                    last={closes}
                    isRead={stored && message.seq <= (conversation?.other_read_seq ?? 0)}
                    highlighted={stored && message.seq === highlighted}
                    actions={actions}
                  />
                </div>
              </Fragment>
            );
          })}
          {ready && hasNewer && (
            <div key={`newer-${newest?.id}`} ref={bottom} className="list-edge" />
          )}
          {typing && !hasNewer && (
            <TypingIndicator users={[otherUser.full_name.split(' ')[0] ?? '']} />
          )}
        </div>
      </div>
      {ready && (away || hasNewer) && (
        <button type="button" className="to-end" onClick={back}>
          <ArrowDown size={16} aria-hidden="true" />
          {unseenBelow > 0 ? `${unseenBelow} new` : 'Latest'}
        </button>
      )}
    </div>
  );
}

/** Where a message ends in what scrolls: its beginning moves when one of the same person comes before it. */
function placeOf(element: Element, area: Element): number {
  return element.getBoundingClientRect().bottom - area.getBoundingClientRect().top + area.scrollTop;
}

interface Shown {
  message: ChatMessage;
  newDay: boolean;
  first: boolean;
  last: boolean;
}

function grouped(messages: ChatMessage[]): Shown[] {
  const days = messages.map(({ created_at }) => new Date(created_at).toDateString());
  const together = (i: number) => {
    const [before, after] = [messages[i - 1], messages[i]];
    return (
      before !== undefined &&
      after !== undefined &&
      before.sender_id === after.sender_id &&
      days[i - 1] === days[i] &&
      Date.parse(after.created_at) - Date.parse(before.created_at) < TOGETHER
    );
  };
  return messages.map((message, i) => ({
    message,
    newDay: days[i] !== days[i - 1],
    first: !together(i),
    last: !together(i + 1),
  }));
}

/** The number before which the line "New messages" stands: the first unread when one comes, until one answers. */
function useNewLine({ conversation, messages, ready }: FeedState, userId: string): number | null {
  const [line, setLine] = useState<number | null>(null);
  const begun = useRef(false);
  const newest = messages.findLast((message) => !isOnItsWay(message));

  useEffect(() => {
    if (!begun.current && ready && conversation) {
      begun.current = true;
      setLine(
        messages.find(
          (message) => message.sender_id !== userId && message.seq > conversation.read_seq,
        )?.seq ?? null,
      );
    }
  }, [ready, conversation, messages, userId]);

  useEffect(() => {
    if (!begun.current || !newest) {
      return;
    }
    if (newest.sender_id === userId) {
      setLine(null);
    } else if (!document.hasFocus() || document.hidden) {
      setLine((now) => now ?? newest.seq);
    }
  }, [newest?.id, newest?.sender_id, newest?.seq, userId]);
  return line;
}

/** Tells the highest number seen, while somebody looks: a visible page that has the focus. */
function useSeen(readSeq: number, ready: boolean, onRead: (seq: number) => void) {
  const visible = useRef(new Map<Element, number>());
  const observer = useRef<IntersectionObserver | null>(null);
  const told = useRef(0);
  told.current = Math.max(told.current, readSeq);
  const latest = useRef({ ready, onRead });
  latest.current = { ready, onRead };

  const tell = useCallback(() => {
    const highest = Math.max(0, ...visible.current.values());
    if (latest.current.ready && highest > told.current && !document.hidden && document.hasFocus()) {
      told.current = highest;
      latest.current.onRead(highest);
    }
  }, []);

  useEffect(() => {
    addEventListener('focus', tell);
    document.addEventListener('visibilitychange', tell);
    return () => {
      removeEventListener('focus', tell);
      document.removeEventListener('visibilitychange', tell);
      observer.current?.disconnect();
      observer.current = null;
    };
  }, [tell]);

  return useCallback(
    (element: HTMLElement | null) => {
      if (!element) {
        return;
      }
      observer.current ??= new IntersectionObserver(
        (entries) => {
          entries.forEach(({ target, isIntersecting }) => {
            if (isIntersecting) {
              visible.current.set(target, Number((target as HTMLElement).dataset.seq));
            } else {
              visible.current.delete(target);
            }
          });
          tell();
        },
        { threshold: 0.1 },
      );
      const watching = observer.current;
      watching.observe(element);
      return () => {
        visible.current.delete(element);
        watching.unobserve(element);
      };
    },
    [tell],
  );
}
