import MessagesSquare from 'lucide-react/icons/messages-square';
import type { ReactNode } from 'react';

/** Where there is nothing yet: what this place is for, and what to do. */
export function EmptyState({
  icon = <MessagesSquare size={28} />,
  title,
  children,
  action,
}: {
  icon?: ReactNode;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className="empty">
      <span className="empty-icon" aria-hidden="true">
        {icon}
      </span>
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {action}
    </div>
  );
}
