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
  const [said, setSaid] = useState<Version[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);

  const { id, revision, content, created_at } = message ?? {};
  useEffect(() => {
    let current = true;
    if (id && content !== undefined && created_at) {
      void api.getEarlierTexts(id).then(({ data, error }) => {
        if (current) {
          setSaid(data && versions(content, created_at, data));
          setProblem(error);
        }
      });
    }
    return () => {
      current = false; // after an edit, what was known stays until the rest is
    };
  }, [api, id, revision, content, created_at]);
  useEffect(
    () => () => {
      setSaid(null);
      setProblem(null);
    },
    [id],
  );

  return (
    <Dialog open={message !== null} onOpenChange={(open) => !open && onClose()} title={t.edits}>
      {problem ? (
        <p className="field-problem" role="alert">
          {told(problem)}
        </p>
      ) : said === null ? (
        <p role="status">{t.loading}</p>
      ) : said.length === 1 ? (
        <p role="status">{t.noEdits}</p>
      ) : (
        <ol className="versions">
          {said.map(({ content, moment }, i) => (
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

interface Version {
  content: string;
  /** Since when the message said so. */
  moment: string;
}

function versions(content: string, created_at: string, earlier: EarlierText[]): Version[] {
  const moments = [...earlier.map(({ edited_at }) => edited_at), created_at];
  return [content, ...earlier.map((one) => one.content)].map((text, i) => ({
    content: text,
    moment: moments[i]!,
  }));
}
