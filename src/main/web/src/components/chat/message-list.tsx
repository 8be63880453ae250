import { ArrowDown, CloudOff, Hand } from 'lucide-react';
import {
  Fragment,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
} from 'react';
import { useInView } from 'react-intersection-observer';
import { EmptyState } from './empty-state';
import { MessageBubble, type MessageActions } from './message-bubble';
import { TypingIndicator } from './typing-indicator';
import { isOnItsWay, type ConversationFeed, type FeedState } from '@/lib/conversation-feed';
import { Button } from '@/components/ui/button';
import { useOutage } from '@/hooks/use-chat';
import { useTexts } from '@/hooks/use-texts';
import type { Landing } from '@/hooks/use-realtime-chat';
import { reveal } from '@/lib/scroll';
import { mayHelp } from '@/lib/refusals';
import { answeredBy, type ChatMessage, type User } from '@/lib/types';

const TOGETHER = 5 * 60_000; // said within these milliseconds, messages of one person stand together
const NEAR = 80; // pixels from the end that still count as the end
const CONTEXT = 96; // pixels of what was read before, above the first unread message

export interface MessageListProps {
  feed: ConversationFeed;
  state: FeedState;
  /** Where this visit begins; null while that is not known. */
  landing: Landing | null;
  /** How many messages the person has not read, also those that are not loaded. */
  unread: number;
  currentUser: User;
  otherUser: User;
  typing: boolean;
  actions: MessageActions;
  /** The number to show first, when a search led here. */
  target?: number | undefined;
  /** A message to show now; another object leads to it again. */
  jump?: { seq: number } | null;
  onRead: (seq: number) => void;
}

export function MessageList({
  feed,
  state,
  landing,
  unread,
  currentUser,
  otherUser,
  typing,
  actions,
  target,
  jump = null,
  onRead,
}: MessageListProps) {
  const { messages, conversation, ready, hasOlder, hasNewer, loadingOlder, problem } = state;
  const { t, told, times } = useTexts();
  const box = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const placed = useRef(false);
  const first = useRef<{ element: Element; place: number } | null>(null);
  const [away, setAway] = useState(false); // not at the end
  const [highlighted, setHighlighted] = useState<number | null>(null);
  const outage = useOutage();
  const shownProblem = problem && outage && problem.temporary ? null : problem; // the banner says it for the whole page
  const newLine = useNewLine(landing, state, currentUser.id);

  // ---- where we are

  const toEnd = useCallback(() => {
    const area = box.current;
    if (area) {
      area.scrollTop = area.scrollHeight;
    }
  }, []);

  /** What comes in is followed: to the end, or, while nobody looks, until the first unread message would leave the screen. */
  const follow = useCallback(() => {
    const area = box.current;
    const line = lookedAt() ? null : area?.querySelector('.new-line');
    toEnd();
    if (area && line && line.getBoundingClientRect().top < area.getBoundingClientRect().top) {
      reveal(line, area, 'start', contextIn(area));
    }
  }, [toEnd]);

  const scrolled = () => {
    const area = box.current!;
    // The end of what is loaded is not the end while there is more.
    atEnd.current =
      !feed.get().hasNewer && area.scrollHeight - area.scrollTop - area.clientHeight < NEAR;
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
    const line = area.querySelector('.new-line');
    if (!placed.current && landing && messages.length > 0 && (landing.unread === null || line)) {
      placed.current = true;
      if (line && target === undefined) {
        reveal(line, area, 'start', contextIn(area));
      } else if (target === undefined) {
        toEnd();
      }
      scrolled();
    } else if (atEnd.current && !hasNewer) {
      follow();
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
    const observer = new ResizeObserver(() => atEnd.current && follow());
    observer.observe(box.current!);
    observer.observe(content.current!);
    return () => observer.disconnect();
  }, [follow]);

  // A search or a quote leads to a message.
  const show = useCallback(
    async (seq: number) => {
      atEnd.current = false;
      await feed.around(seq);
      requestAnimationFrame(() => {
        atEnd.current = false;
        const hit = box.current?.querySelector(`[data-seq="${seq}"]`);
        if (hit) {
          reveal(hit, box.current!, 'center');
        }
        setHighlighted(seq);
      });
    },
    [feed],
  );
  const landed = landing !== null;
  useEffect(() => {
    if (target !== undefined && landed) {
      void show(target);
    }
  }, [show, target, landed]);
  useEffect(() => {
    if (jump) {
      void show(jump.seq);
    }
  }, [show, jump]);
  useEffect(() => {
    const timer = setTimeout(() => setHighlighted(null), 2500);
    return () => clearTimeout(timer);
  }, [highlighted]);

  // What messages answer: here, or fetched.
  const answers = useMemo(
    () => new Set(messages.map(answeredBy).filter((seq) => seq !== null)),
    [messages],
  );
  const answered = useMemo(() => {
    const found = new Map(state.answered);
    for (const message of messages) {
      if (answers.has(message.seq) && !isOnItsWay(message)) {
        found.set(message.seq, message);
      }
    }
    return found;
  }, [answers, messages, state.answered]);
  useEffect(() => answers.forEach((seq) => void feed.fetchAnswered(seq)), [answers, feed]);

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
  const [seen, tellSeen] = useSeen(
    conversation?.read_seq ?? 0,
    () => placed.current && feed.get().ready && conversation !== null,
    onRead,
  );
  // What is on the screen when the visit begins: nothing scrolls where all fits.
  useEffect(tellSeen, [tellSeen, landing, messages]);
  const back = () => {
    atEnd.current = true;
    void feed.latest().then(() => {
      atEnd.current = true;
      toEnd();
    });
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
        aria-label={t.messagesWith(otherUser.full_name)}
        onKeyDown={(event) => moveByArrows(event, box.current!)}
        onScroll={() => {
          scrolled();
          tellSeen();
        }}
      >
        <div ref={content} className="messages-content">
          {ready && hasOlder && (
            <div key={`older-${messages[0]?.id}`} ref={top} className="list-edge" role="status">
              {loadingOlder ? t.loadingEarlier : ''}
            </div>
          )}
          {ready && !hasOlder && messages.length > 0 && (
            <p className="list-start">{t.beginning(otherUser.full_name)}</p>
          )}
          {shownProblem && (
            <div className="inline-problem" role="alert">
              <CloudOff size={16} aria-hidden="true" />
              <span>{told(shownProblem)}</span>
              {mayHelp(shownProblem) && (
                <Button variant="link" onClick={() => void (ready ? feed.catchUp() : feed.visit())}>
                  {t.tryAgain}
                </Button>
              )}
            </div>
          )}
          {!ready && !shownProblem && (
            <p className="list-edge" role="status">
              {t.loadingMessages}
            </p>
          )}
          {ready && messages.length === 0 && (
            <EmptyState
              icon={<Hand size={26} />}
              title={t.sayHello(otherUser.full_name.split(' ')[0]!)}
            >
              {t.sayHelloHint}
            </EmptyState>
          )}
          {shown.map(({ message, newDay, first: opens, last: closes }) => {
            const isOwn = message.sender_id === currentUser.id;
            const stored = !isOnItsWay(message);
            return (
              <Fragment key={message.id}>
                {newDay && (
                  <div
                    className="day-line"
                    role="separator"
                    aria-label={times.day(message.created_at)}
                  >
                    <span>{times.day(message.created_at)}</span>
                  </div>
                )}
                {stored && message.seq === newLine && (
                  <div className="new-line" role="separator" aria-label={t.newMessages}>
                    <span>{t.newMessages}</span>
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
                    isDelivered={stored && message.seq <= (conversation?.other_delivered_seq ?? 0)}
                    highlighted={stored && message.seq === highlighted}
                    answered={answered.get(answeredBy(message) ?? 0)}
                    onAnswered={show}
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
        <button
          type="button"
          className="to-end"
          aria-label={unread > 0 ? t.toNewestUnread(unread) : t.toNewest}
          onClick={back}
        >
          <ArrowDown size={16} aria-hidden="true" />
          {unread > 0 ? t.newCount(unread) : t.latest}
        </button>
      )}
    </div>
  );
}

/** Where a message ends in what scrolls: its beginning moves when one of the same person comes before it. */
function placeOf(element: Element, area: Element): number {
  return element.getBoundingClientRect().bottom - area.getBoundingClientRect().top + area.scrollTop;
}

/** Arrow keys go from message to message: the tools of the one with the focus show, and Tab leads to them. */
function moveByArrows(event: KeyboardEvent, area: HTMLElement): void {
  const target = event.target as HTMLElement;
  const step = event.key === 'ArrowUp' ? -1 : event.key === 'ArrowDown' ? 1 : 0;
  if (step === 0 || !(target === area || target.matches('.bubble'))) {
    return;
  }
  const bubbles = [...area.querySelectorAll<HTMLElement>('.bubble')];
  const bottom = area.getBoundingClientRect().bottom;
  // From the pane itself: to the last message on the screen.
  const next =
    target === area
      ? bubbles.findLast((bubble) => bubble.getBoundingClientRect().top < bottom)
      : bubbles[bubbles.indexOf(target) + step];
  if (next) {
    event.preventDefault();
    next.focus({ preventScroll: true });
    reveal(next, area, 'nearest', 12);
  }
}

function contextIn(area: Element): number {
  return Math.min(CONTEXT, area.clientHeight / 4);
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

/**
 * The number before which the line "New messages" stands, for as long as the conversation is open: the first unread message of this
 * visit, then the first that comes while nobody looks, once all before it is read.
 */
function useNewLine(
  landing: Landing | null,
  { conversation, messages }: FeedState,
  userId: string,
): number | null {
  const [moved, setMoved] = useState<number | null>(null);
  const line = moved ?? landing?.unread ?? null;
  const newest = messages.findLast((message) => !isOnItsWay(message));
  const known = useRef<number | null>(null);
  const read = conversation?.read_seq ?? 0;

  useEffect(() => {
    if (!landing || !newest) {
      return;
    }
    const came = known.current !== null && newest.seq > known.current;
    known.current = newest.seq;
    if (came && newest.sender_id !== userId && !lookedAt() && (line === null || line <= read)) {
      setMoved(newest.seq);
    }
  }, [landing, newest, userId, line, read]);
  return line;
}

/**
 * Tells the highest number seen, while somebody looks: a visible page that has the focus. Seen is a message whose half is on the
 * screen, or that fills half of the pane.
 */
function useSeen(readSeq: number, ready: () => boolean, onRead: (seq: number) => void) {
  const watched = useRef(new Set<HTMLElement>());
  const observer = useRef<IntersectionObserver | null>(null);
  const told = useRef(0);
  told.current = Math.max(told.current, readSeq);
  const latest = useRef({ ready, onRead });
  latest.current = { ready, onRead };

  // Where they are now: what the observer noted may be of the moment before the list was scrolled.
  const tell = useCallback(() => {
    if (!lookedAt() || !latest.current.ready()) {
      return;
    }
    const highest = Math.max(
      0,
      ...[...watched.current].filter(isSeen).map((element) => Number(element.dataset.seq)),
    );
    if (highest > told.current) {
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

  const watch = useCallback(
    (element: HTMLElement | null) => {
      if (!element) {
        return;
      }
      observer.current ??= new IntersectionObserver(tell, {
        root: element.closest('.messages'),
        threshold: [0, 0.5, 1],
      });
      const watching = observer.current;
      watching.observe(element);
      watched.current.add(element);
      return () => {
        watched.current.delete(element);
        watching.unobserve(element);
      };
    },
    [tell],
  );
  return [watch, tell] as const;
}

function lookedAt(): boolean {
  return document.hasFocus() && !document.hidden;
}

function isSeen(element: HTMLElement): boolean {
  const pane = element.closest('.messages')!.getBoundingClientRect();
  const { top, bottom, height } = element.getBoundingClientRect();
  const shown = Math.min(bottom, pane.bottom) - Math.max(top, pane.top);
  return shown > 0 && (shown >= height / 2 || shown >= pane.height / 2);
}
