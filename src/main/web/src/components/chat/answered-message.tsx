import { useTexts } from '@/hooks/use-texts';
import { withoutMarks } from '@/lib/markdown';
import type { UserMessage } from '@/lib/types';

const SHOWN = 300; // characters; the style sheet shows two lines of them

/** The message that another answers, as a quote. */
export function AnsweredMessage({
  message,
  name,
  tabIndex,
  onOpen,
}: {
  /** Undefined while it is fetched; null when it is not there any more. */
  message: UserMessage | null | undefined;
  /** Whose it is. */
  name: string;
  tabIndex?: number;
  /** Leads to it. Without it the quote is no button. */
  onOpen?: () => void;
}) {
  const { t } = useTexts();
  const content = message ? (
    <>
      <span className="answered-name">{name}</span>
      <span className="answered-words" dir="auto">
        {message.is_deleted ? (
          <i>{t.wasDeleted}</i>
        ) : (
          (withoutMarks(message.content) || (message.file_name ?? '')).slice(0, SHOWN)
        )}
      </span>
    </>
  ) : message === null ? (
    <i>{t.answeredGone}</i>
  ) : (
    '…'
  );
  return message && onOpen ? (
    <button
      type="button"
      className="answered"
      tabIndex={tabIndex}
      title={t.toAnswered(name)}
      onClick={onOpen}
    >
      {content}
    </button>
  ) : (
    <div className="answered">{content}</div>
  );
}
