import type { ComponentProps } from 'react';
import { useComponents } from '@/hooks/use-components';

/** A field of one line: of the application's own, where it has one. */
export function Input(props: ComponentProps<'input'>) {
  const { Input: Given } = useComponents();
  return Given ? <Given {...props} /> : <input {...props} />;
}

/** A field of more lines. */
export function Textarea(props: ComponentProps<'textarea'>) {
  const { Textarea: Given } = useComponents();
  return Given ? <Given {...props} /> : <textarea {...props} />;
}
