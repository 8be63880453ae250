// What the service decides and the page has to know. The database has the last word on each (chat.settings).

export interface ChatSettings {
  /** False: the operator has switched the chat off. */
  enabled: boolean;
  /** Characters in a message. */
  maxMessageLength: number;
  /** Different reactions of one person to one message. */
  maxReactions: number;
  /** Whether a name in colons, as :party:, is a reaction. */
  reactionNames: boolean;
  /** Milliseconds after which typing that was not renewed has ended. */
  typingTimeout: number;
  /** What browsers subscribe to push notifications with; null where the service sends none. */
  pushKey: string | null;
  /** Whether the service stores files, which people may then send. */
  files: boolean;
  /** Bytes of one file. */
  maxFileBytes: number;
  /** Content types of files, as `image/*`; null for any. */
  fileTypes: string[] | null;
}

/** Those of a database that nobody has changed. */
export const DEFAULT_SETTINGS: Readonly<ChatSettings> = {
  enabled: true,
  maxMessageLength: 1000,
  maxReactions: 20,
  reactionNames: true,
  typingTimeout: 3000,
  pushKey: null,
  files: false,
  maxFileBytes: 104_857_600,
  fileTypes: null,
};

/** What the service answers at /page.json. */
export interface PageSettings {
  demo: boolean;
  enabled: boolean;
  /** Whether files are stored. */
  files: boolean;
  anon_key: string | null;
  /** Origins of applications that may show the page in a frame. */
  hosts: string[];
  /** Missing where the service sends no push notifications. */
  push_key?: string;
  /** Missing while the service has not reached its database. */
  limits?: {
    max_message_length: number;
    max_reactions: number;
    reaction_names: boolean;
    typing_timeout_ms: number;
    max_file_bytes: number;
    file_types: string[] | null;
  };
}

export function settingsIn({ enabled, files, push_key, limits }: PageSettings): ChatSettings {
  return {
    ...DEFAULT_SETTINGS,
    enabled,
    files,
    pushKey: push_key ?? null,
    ...(limits && {
      maxMessageLength: limits.max_message_length,
      maxReactions: limits.max_reactions,
      reactionNames: limits.reaction_names,
      typingTimeout: limits.typing_timeout_ms,
      maxFileBytes: limits.max_file_bytes,
      fileTypes: limits.file_types,
    }),
  };
}

/**
 * The settings of the service at that address, for ChatProvider.
 *
 * @throws Error when the service does not answer
 */
export async function readSettings(url: string): Promise<ChatSettings> {
  const answer = await fetch(new URL('/page.json', url));
  if (!answer.ok) {
    throw new Error(`${answer.url} answered ${answer.status}`);
  }
  return settingsIn((await answer.json()) as PageSettings);
}

/** Messages, or conversations, loaded at once. */
export const PAGE_SIZE = 50;
