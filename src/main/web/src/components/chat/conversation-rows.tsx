import { defaultRangeExtractor, useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useRef, type ReactNode } from 'react';
import type { Conversation } from '@/lib/types';

const HEIGHT = 61; // pixels of a row, until it is measured
const GAP = 2;
const BEYOND = 8; // rows above and below those on the screen

/** A long list, of which the document has what is on the screen, and the row that Tab leads to. */
export function ConversationRows({
  conversations,
  hasMore,
  stop,
  item,
}: {
  conversations: Conversation[];
  /** Whether the list goes on: then nobody knows how long it is. */
  hasMore: boolean;
  /** The one that Tab leads to. */
  stop: string | undefined;
  item: (conversation: Conversation) => ReactNode;
}) {
  const list = useRef<HTMLUListElement>(null);
  const always = conversations.findIndex(({ id }) => id === stop);
  const rows = useVirtualizer({
    count: conversations.length,
    getScrollElement: () => list.current?.closest('.sidebar-scroll') ?? null,
    getItemKey: useCallback((i: number) => conversations[i]!.id, [conversations]),
    estimateSize: () => HEIGHT,
    gap: GAP,
    overscan: BEYOND,
    rangeExtractor: (range) =>
      [...new Set([...defaultRangeExtractor(range), always])]
        .filter((i) => i >= 0 && i < range.count)
        .sort((a, b) => a - b),
    useFlushSync: false,
  });
  return (
    <ul ref={list} className="conversations" style={{ height: rows.getTotalSize() }}>
      {rows.getVirtualItems().map(({ key, index, start }) => (
        <li
          key={key}
          ref={rows.measureElement}
          data-index={index}
          aria-setsize={hasMore ? -1 : conversations.length}
          aria-posinset={index + 1}
          style={{ transform: `translateY(${start}px)` }}
        >
          {item(conversations[index]!)}
        </li>
      ))}
    </ul>
  );
}
