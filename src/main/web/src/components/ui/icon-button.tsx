import { Button } from './button';
import type { ButtonProps } from '@/hooks/use-components';

/** A button that is a picture; its label is read aloud and shown when pointed at. */
export function IconButton({
  label,
  ...rest
}: { label: string } & Omit<ButtonProps, 'variant' | 'size'>) {
  return <Button variant="ghost" size="icon" aria-label={label} title={label} {...rest} />;
}
