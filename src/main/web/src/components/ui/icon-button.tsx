import type { ButtonHTMLAttributes, Ref } from 'react';

/** A button that is a picture; its label is read aloud and shown when pointed at. */
export function IconButton({
  label,
  className = '',
  ref,
  ...rest
}: { label: string; ref?: Ref<HTMLButtonElement> } & ButtonHTMLAttributes<HTMLButtonElement>) {
  return (
    <button
      ref={ref}
      type="button"
      className={`icon-button ${className}`}
      aria-label={label}
      title={label}
      {...rest}
    />
  );
}
