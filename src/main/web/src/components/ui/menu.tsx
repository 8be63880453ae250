import * as Radix from '@radix-ui/react-dropdown-menu';
import type { ReactNode } from 'react';
import { useLanguageAttributes, useTexts } from '@/hooks/use-texts';

/** Not modal, so that Radix does not lock the page's scrolling with a <style> element (see dialog.tsx). */
export function Menu({
  trigger,
  children,
  align = 'end',
  onOpenChange,
}: {
  trigger: ReactNode;
  children: ReactNode;
  align?: 'start' | 'end';
  onOpenChange?: (open: boolean) => void;
}) {
  const { direction } = useTexts();
  const attributes = useLanguageAttributes();
  return (
    <Radix.Root modal={false} dir={direction} onOpenChange={onOpenChange}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <div className="gptdesk-chat" {...attributes}>
          <Radix.Content className="menu" align={align} sideOffset={6} collisionPadding={8}>
            {children}
          </Radix.Content>
        </div>
      </Radix.Portal>
    </Radix.Root>
  );
}

export function MenuItem({
  icon,
  children,
  onSelect,
  danger = false,
  checked,
}: {
  icon?: ReactNode;
  children: ReactNode;
  onSelect: () => void;
  danger?: boolean;
  checked?: boolean;
}) {
  const className = `menu-item${danger ? ' menu-item-danger' : ''}`;
  return checked === undefined ? (
    <Radix.Item className={className} onSelect={onSelect}>
      {icon}
      {children}
    </Radix.Item>
  ) : (
    <Radix.CheckboxItem className={className} checked={checked} onSelect={onSelect}>
      {icon}
      {children}
      <Radix.ItemIndicator className="menu-check">✓</Radix.ItemIndicator>
    </Radix.CheckboxItem>
  );
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <Radix.Label className="menu-label">{children}</Radix.Label>;
}

export function MenuLine() {
  return <Radix.Separator className="menu-line" />;
}
