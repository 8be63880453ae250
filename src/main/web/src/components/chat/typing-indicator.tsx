/** @param users names of those who type */
export function TypingIndicator({ users }: { users: string[] }) {
  return (
    <div className="typing" role="status">
      <span className="typing-dots" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      <span>
        {users.join(' and ')} {users.length === 1 ? 'is' : 'are'} typing…
      </span>
    </div>
  );
}
