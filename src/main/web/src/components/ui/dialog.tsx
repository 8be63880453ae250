import * as Radix from '@radix-ui/react-dialog';
import { X } from 'lucide-react';
import { useRef, type ReactNode } from 'react';
import { Button } from './button';
import { IconButton } from './icon-button';
import { useLanguageAttributes, useTexts } from '@/hooks/use-texts';

interface DialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description?: string;
  children: ReactNode;
  alert?: boolean;
}

/**
 * Radix decides about focus, Escape and what is hidden behind. The veil is ours: Radix's own writes a <style> element, which the
 * content security policy forbids, to stop the page from scrolling, and this page does not scroll.
 */
export function Dialog({
  open,
  onOpenChange,
  title,
  description,
  children,
  alert = false,
}: DialogProps) {
  const { t } = useTexts();
  const attributes = useLanguageAttributes();
  const [remember, giveBack] = useFocusBefore();
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <div className="gptdesk-chat" {...attributes}>
          <div className="veil" aria-hidden="true" />
          <Radix.Content
            className="dialog"
            role={alert ? 'alertdialog' : 'dialog'}
            onOpenAutoFocus={remember}
            onCloseAutoFocus={giveBack}
            {...(!description && { 'aria-describedby': undefined })}
          >
            <header className="dialog-header">
              <Radix.Title className="dialog-title">{title}</Radix.Title>
              <Radix.Close asChild>
                <IconButton label={t.close}>
                  <X size={18} />
                </IconButton>
              </Radix.Close>
            </header>
            {description && (
              <Radix.Description className="dialog-description">{description}</Radix.Description>
            )}
            {children}
          </Radix.Content>
        </div>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** Who has no trigger of Radix gives the focus back to what had it; of a menu, which has closed, to its trigger. */
export function useFocusBefore() {
  const before = useRef<HTMLElement | null>(null);
  const remember = () => {
    const active = document.activeElement as HTMLElement | null;
    const menu = active?.closest('[role="menu"]');
    before.current = menu
      ? document.getElementById(menu.getAttribute('aria-labelledby') ?? '')
      : active;
  };
  const giveBack = (event: Event) => {
    event.preventDefault();
    before.current?.focus();
  };
  return [remember, giveBack] as const;
}

export function ConfirmDialog({
  action,
  onConfirm,
  children,
  ...rest
}: Omit<DialogProps, 'alert' | 'children'> & {
  action: string;
  onConfirm: () => void;
  children?: ReactNode;
}) {
  const { t } = useTexts();
  return (
    <Dialog alert {...rest}>
      {children}
      <footer className="dialog-footer">
        <Button onClick={() => rest.onOpenChange(false)}>{t.cancel}</Button>
        <Button
          variant="destructive"
          onClick={() => {
            rest.onOpenChange(false);
            onConfirm();
          }}
        >
          {action}
        </Button>
      </footer>
    </Dialog>
  );
}
