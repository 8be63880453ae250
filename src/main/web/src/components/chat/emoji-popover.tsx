import * as Popover from '@radix-ui/react-popover';
import { Suspense, type ReactNode } from 'react';
import { Boundary } from '@/components/ui/boundary';
import { part } from '@/components/ui/part';
import { useLanguageAttributes, useTexts } from '@/hooks/use-texts';

const EmojiPicker = part(async () => (await import('./emoji-picker')).default);

/** Beside its trigger: all emoji, or a few children first. */
export function EmojiPopover({
  trigger,
  open,
  onOpenChange,
  label,
  names = false,
  onChoose,
  onClosed,
  children,
}: {
  trigger: ReactNode;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  label: string;
  /** Whether a name in colons may be chosen, too. */
  names?: boolean;
  onChoose: (emoji: string) => void;
  /** Takes the focus; without it the trigger has it again. */
  onClosed?: () => void;
  /** In place of all of them. */
  children?: ReactNode;
}) {
  const { t } = useTexts();
  const attributes = useLanguageAttributes();
  return (
    <Popover.Root open={open} onOpenChange={onOpenChange}>
      <Popover.Trigger asChild>{trigger}</Popover.Trigger>
      <Popover.Portal>
        <div className="gptdesk-chat" {...attributes}>
          <Popover.Content
            className={children ? 'reaction-picker' : 'emoji-popover'}
            side="top"
            sideOffset={6}
            collisionPadding={8}
            aria-label={label}
            onCloseAutoFocus={(event) => {
              if (onClosed) {
                event.preventDefault();
                onClosed();
              }
            }}
          >
            {children || (
              <Boundary fallback={(notice) => notice}>
                <Suspense fallback={<p className="emoji-picker-words">{t.loading}</p>}>
                  <EmojiPicker
                    names={names}
                    onChoose={(emoji) => {
                      onOpenChange(false);
                      onChoose(emoji);
                    }}
                  />
                </Suspense>
              </Boundary>
            )}
          </Popover.Content>
        </div>
      </Popover.Portal>
    </Popover.Root>
  );
}
