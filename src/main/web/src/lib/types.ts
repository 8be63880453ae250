// What the functions of the database return, as they return it.

export type PresenceStatus = 'online' | 'away' | 'busy' | 'offline';

export interface User {
  id: string;
  full_name: string;
  email?: string;
  avatar_url?: string | null;
  status?: string;
  team_id?: string | null;
  /** Of a search: whether more were found than it returned. */
  has_more?: boolean;
}

export interface Presence {
  status: PresenceStatus;
  last_seen: string | null;
}

export interface OtherUser extends User {
  presence: Presence | null;
}

export interface Reaction {
  reaction: string;
  user_ids: string[];
}

export type MessageType = 'text' | 'file' | 'image';

export interface UserMessage {
  id: string;
  conversation_id: string;
  sender_id: string;
  content: string;
  message_type: MessageType;
  file_url: string | null;
  file_name: string | null;
  file_size: number | null;
  created_at: string;
  updated_at: string;
  is_edited: boolean;
  is_deleted: boolean;
  read_by: string[];
  metadata: Record<string, unknown>;
  recipient_id: string;
  /** 1, 2, 3 … in the conversation, without gaps. */
  seq: number;
  sent_revision: number;
  /** The conversation's change number when this message last changed. */
  revision: number;
  sender?: User;
  reactions?: Reaction[];
  /** When it was written, where that is more than a minute before created_at. */
  written_at?: string | null;
  /** The id that its sender chose, where the message has another. */
  client_id?: string | null;
}

/** The number of the message of the same conversation that this one answers. */
export function answeredBy({ metadata }: Pick<UserMessage, 'metadata'>): number | null {
  const seq = metadata.reply_to;
  return typeof seq === 'number' && Number.isSafeInteger(seq) && seq > 0 ? seq : null;
}

/** A message on the screen: also one that is still on its way. */
export interface ChatMessage extends UserMessage {
  delivery?: 'sending' | 'failed';
  problem?: Problem;
  /** The file that it sends, while it is here. */
  file?: File | undefined;
  /** How much of its file has arrived, from 0 to 1, while it is being uploaded. */
  progress?: number | undefined;
}

export interface MessageMatch extends UserMessage {
  /** Plain text; each hit stands between U+E000 and U+E001. */
  headline: string;
}

/** What a message said before an edit. */
export interface EarlierText {
  content: string;
  /** Until when it said so. */
  edited_at: string;
}

export interface LastMessage {
  id: string;
  seq: number;
  sender_id: string;
  content: string;
  message_type: MessageType;
  created_at: string;
  is_deleted: boolean;
}

export interface Conversation {
  id: string;
  other_user: OtherUser;
  last_message: LastMessage | null;
  last_message_at: string | null;
  last_message_seq: number;
  read_seq: number;
  other_read_seq: number;
  /** How far a device of this person, and of the other, has received it, or they have read it. */
  delivered_seq: number;
  other_delivered_seq: number;
  unread_count: number;
  revision: number;
  is_archived: boolean;
  is_muted: boolean;
  /** When that ends; null where it is for good. */
  muted_until: string | null;
  created_at: string;
  /** The number of the first unread message; null when nothing is unread. */
  first_unread_seq: number | null;
  /** Whether one can write there; otherwise the reason code of the refusal. */
  partner_status: 'active' | 'gone' | 'apart' | 'blocking';
}

/** What is unread in all conversations but archived and muted ones. */
export interface UnreadTotal {
  messages: number;
  conversations: number;
}

export interface BlockedUser {
  id: string;
  full_name: string;
  avatar_url: string | null;
  blocked_at: string;
}

export interface BlockRow {
  blocker_id: string;
  blocked_id: string;
}

/** A row of user_presence as it is published: with typing to the two it is between, without it to the team. */
export interface UserPresence {
  user_id: string;
  status: PresenceStatus;
  /** Null when one of the two has blocked the other. */
  last_seen: string | null;
  is_typing_to?: string | null;
  typing_started_at?: string | null;
}

export interface ConversationRow {
  id: string;
  participant_1_id: string;
  participant_2_id: string;
  participant_1_read_seq: number;
  participant_2_read_seq: number;
  participant_1_delivered_seq: number;
  participant_2_delivered_seq: number;
  created_by: string | null;
  is_archived: boolean;
}

export interface ReactionRow {
  message_id: string;
  conversation_id: string;
  user_id: string;
  reaction: string;
}

/** Why something was not done. */
export interface Problem {
  /** The database's words; a person reads the sentence of the page's texts (lib/refusals.ts). */
  message: string;
  hint: string | null;
  /** The HTTP status; 0 when no answer came. */
  status: number;
  /** The SQLSTATE, or '' when no answer came. */
  code: string;
  /** The reason code of a function's refusal, such as 'blocked' (docs/api.md); null when no answer came. */
  reason: string | null;
  /** True when the same call may well succeed later: no connection, a busy service. */
  temporary: boolean;
}

export type Answer<T> = { data: T; error: null } | { data: null; error: Problem };
