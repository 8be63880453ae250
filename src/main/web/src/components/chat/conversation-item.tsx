import { memo, useMemo } from 'react';
import { ConversationRow, type ConversationRowProps } from './conversation-row';
import { withoutMarks } from '@/lib/markdown';

const SHOWN = 300; // characters of a message, of which a line shows less

export type ConversationItemProps = Omit<ConversationRowProps, 'words'>;

/** A line of the list, with the last message as a quote shows it. */
export const ConversationItem = memo(function ConversationItem(props: ConversationItemProps) {
  const content = props.conversation.last_message?.content ?? '';
  const words = useMemo(() => withoutMarks(content.slice(0, SHOWN)), [content]);
  return <ConversationRow {...props} words={words} />;
});
