// The specification's switches. Next writes their values into the browser's code when it builds.
import type { ChatSettings } from '@gptdesk/chat-react';

export const CHAT_URL = process.env.NEXT_PUBLIC_CHAT_URL ?? 'http://localhost:8080';

export const ENABLE_USER_CHAT = process.env.NEXT_PUBLIC_ENABLE_USER_CHAT !== 'false';

/** What this application sets itself; the rest is the service's. */
export const OWN_SETTINGS: Partial<ChatSettings> = {
  ...(process.env.NEXT_PUBLIC_MAX_MESSAGE_LENGTH && {
    maxMessageLength: Number(process.env.NEXT_PUBLIC_MAX_MESSAGE_LENGTH),
  }),
  ...(process.env.NEXT_PUBLIC_TYPING_TIMEOUT && {
    typingTimeout: Number(process.env.NEXT_PUBLIC_TYPING_TIMEOUT),
  }),
};
