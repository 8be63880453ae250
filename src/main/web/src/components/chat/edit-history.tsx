import { useEffect, useState } from 'react';
import { MessageText } from './message-text';
import { Dialog } from '@/components/ui/dialog';
import { useChat } from '@/hooks/use-chat';
import { useTexts } from '@/hooks/use-texts';
import { marked } from '@/lib/markdown';
import type { ChatMessage, EarlierText, Problem } from '@/lib/types';

/** What an edited message said before, the latest first, each with the time at which it was written. */
export function EditHistory({
  message,
  onClose,
}: {
  /** Null while nothing is asked for. */
  message: ChatMessage | null;
  onClose: () => void;
}) {
  const { api } = useChat();
  const { t, told, times } = useTexts();
  const [earlier, setEarlier] = useState<EarlierText[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);

  const { id, revision } = message ?? {};
  useEffect(() => {
    let current = true;
    if (id) {
      void api.getEarlierTexts(id).then(({ data, error }) => {
        if (current) {
          setEarlier(data);
          setProblem(error);
        }
      });
    }
    return () => {
      current = false;
      setEarlier(null);
      setProblem(null);
    };
  }, [api, id, revision]);

  return (
    <Dialog open={message !== null} onOpenChange={(open) => !open && onClose()} title={t.edits}>
      {problem ? (
        <p className="field-problem" role="alert">
          {told(problem)}
        </p>
      ) : !message || earlier === null ? (
        <p role="status">{t.loading}</p>
      ) : earlier.length === 0 ? (
        <p role="status">{t.noEdits}</p>
      ) : (
        <ol className="versions">
          {versions(message, earlier).map(({ content, moment }, i) => (
            <li key={moment}>
              <p className="version-about">
                {i === 0 && <b>{t.saysNow} </b>}
                <time dir="auto" dateTime={moment}>
                  {times.exactly(moment)}
                </time>
              </p>
              <div className="version-text" dir="auto">
                <MessageText text={marked(content)} tabIndex={0} />
              </div>
            </li>
          ))}
        </ol>
      )}
    </Dialog>
  );
}

/** Each with the moment since which the message said so. */
function versions({ content, created_at }: ChatMessage, earlier: EarlierText[]) {
  const moments = [...earlier.map(({ edited_at }) => edited_at), created_at];
  return [content, ...earlier.map((one) => one.content)].map((text, i) => ({
    content: text,
    moment: moments[i]!,
  }));
}
