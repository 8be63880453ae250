import type { ButtonProps } from '@gptdesk/chat-react';

/** The application's own button, with the props of shadcn's. The chat shows it, too. */
export function Button({
  variant = 'default',
  size = 'default',
  className = '',
  ...props
}: ButtonProps) {
  return (
    <button className={`desk-button desk-${variant} desk-size-${size} ${className}`} {...props} />
  );
}
