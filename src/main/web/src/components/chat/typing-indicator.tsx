import { useTexts } from '@/hooks/use-texts';

/** @param users names of those who type */
export function TypingIndicator({ users }: { users: string[] }) {
  const { t } = useTexts();
  return (
    <div className="typing" role="status">
      <span className="typing-dots" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      <span>{t.namesTyping(users)}</span>
    </div>
  );
}
