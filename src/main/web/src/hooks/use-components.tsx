// The parts that an application has already, as shadcn/ui names them and writes their props.
import { createContext, useContext, type ComponentProps, type ComponentType } from 'react';

export type ButtonProps = ComponentProps<'button'> & {
  variant?: 'default' | 'destructive' | 'outline' | 'ghost' | 'link';
  size?: 'default' | 'icon';
};

/** What an application may give in place of the chat's own. Each passes on what it is given, className and ref with it. */
export interface ChatComponents {
  Button: ComponentType<ButtonProps>;
  Input: ComponentType<ComponentProps<'input'>>;
  Textarea: ComponentType<ComponentProps<'textarea'>>;
  /** The three of an avatar are given together. */
  Avatar: ComponentType<ComponentProps<'span'>>;
  AvatarImage: ComponentType<ComponentProps<'img'>>;
  AvatarFallback: ComponentType<ComponentProps<'span'>>;
}

export const Components = createContext<Partial<ChatComponents>>({});

export function useComponents(): Partial<ChatComponents> {
  return useContext(Components);
}
