// The specification's API service. Each method is one function of the database, called as the person whose token the client
// has: the ids of "me" that the specification passes are kept in the signatures and decided by the token.
import type { PostgrestError, SupabaseClient } from '@supabase/supabase-js';
import { SignedOut } from './signed-out';
import type {
  Answer,
  BlockedUser,
  Conversation,
  EarlierText,
  MessageMatch,
  MessageType,
  PresenceStatus,
  Problem,
  UnreadTotal,
  User,
  UserMessage,
} from './types';

/** Where a page of messages lies: before or after a message's number; the newest without either. */
export type Position = { before?: number; after?: number };

export interface SendOptions {
  /** Any UUID, made once for this message: sent again with the same one, it is still one message. */
  id?: string;
  /** When it was written, by the server's clock, if that is a while ago. */
  written_at?: string;
  file_url?: string | null;
  file_name?: string | null;
  file_size?: number | null;
  metadata?: Record<string, unknown>;
}

export class UserChatAPI {
  /** @param onAnswer told with each answer whether it took the person's token */
  constructor(
    private readonly supabase: SupabaseClient,
    private readonly onAnswer: (signedIn: boolean) => void = () => {},
  ) {}

  /** The caller's conversations, newest first. The next page: pass the last row as `after`. */
  getConversations(
    _userId: string,
    {
      after,
      archived = false,
      limit = 50,
    }: { after?: Conversation; archived?: boolean; limit?: number } = {},
  ) {
    return this.call<Conversation[]>('get_conversations', {
      page_size: limit,
      archived,
      ...(after && { before: after.last_message_at ?? after.created_at, before_id: after.id }),
    });
  }

  /** One conversation, archived or not; null when it is not the caller's. */
  async getConversation(conversationId: string): Promise<Answer<Conversation | null>> {
    const answer = await this.call<Conversation[]>('get_conversations', {
      conversation_id: conversationId,
    });
    return answer.error ? answer : { data: answer.data[0] ?? null, error: null };
  }

  getOrCreateConversation(user1Id: string, user2Id: string) {
    return this.call<string>('get_or_create_conversation', {
      user1_id: user1Id,
      user2_id: user2Id,
    });
  }

  /** A page in ascending order. By number, not by offset: what arrives meanwhile shifts nothing. */
  getMessages(conversationId: string, limit = 50, { before, after }: Position = {}) {
    return this.call<UserMessage[]>('get_messages', {
      conversation_id: conversationId,
      page_size: limit,
      ...(before !== undefined && { before_seq: before }),
      ...(after !== undefined && { after_seq: after }),
    });
  }

  /** All that was sent, edited, deleted or reacted to since a revision, by revision. */
  getChanges(conversationId: string, afterRevision: number, limit = 200) {
    return this.call<UserMessage[]>('get_changes', {
      conversation_id: conversationId,
      after_revision: afterRevision,
      page_size: limit,
    });
  }

  sendMessage(
    conversationId: string,
    _senderId: string,
    content: string,
    messageType: MessageType = 'text',
    options: SendOptions = {},
  ) {
    return this.call<UserMessage>('send_message', {
      conversation_id: conversationId,
      content,
      message_type: messageType,
      ...options,
    });
  }

  editMessage(messageId: string, content: string) {
    return this.call<UserMessage>('edit_message', { message_id: messageId, content });
  }

  /** What it said before each edit, the latest first: no function but a table. */
  getEarlierTexts(messageId: string) {
    return this.answer<EarlierText[]>(() =>
      this.supabase
        .from('message_edits')
        .select('content, edited_at')
        .eq('message_id', messageId)
        .order('edited_at', { ascending: false }),
    );
  }

  deleteMessage(messageId: string) {
    return this.call<UserMessage>('delete_message', { message_id: messageId });
  }

  /** Returns what is still unread. */
  markAsRead(messageIds: string[], _userId: string) {
    return this.call<number>('mark_as_read', { message_ids: messageIds });
  }

  /** Moves the read position forward; one call however many messages. Returns what is still unread. */
  markConversationAsRead(conversationId: string, upToSeq?: number) {
    return this.call<number>('mark_conversation_as_read', {
      conversation_id: conversationId,
      ...(upToSeq !== undefined && { up_to_seq: upToSeq }),
    });
  }

  /** This device has received conversations, each up to a number. */
  markAsDelivered(received: [conversationId: string, upToSeq: number][]) {
    return this.call<number>('mark_as_delivered', {
      conversation_ids: received.map(([id]) => id),
      up_to_seqs: received.map(([, seq]) => seq),
    });
  }

  /** Unread again from a number on, by default the last one of the other; the other does not learn of it. */
  markAsUnread(conversationId: string, fromSeq?: number) {
    return this.call<number>('mark_as_unread', {
      conversation_id: conversationId,
      ...(fromSeq !== undefined && { from_seq: fromSeq }),
    });
  }

  getUnreadTotal() {
    return this.call<UnreadTotal>('get_unread_total', {});
  }

  addReaction(messageId: string, reaction: string) {
    return this.call<null>('add_reaction', { message_id: messageId, reaction });
  }

  removeReaction(messageId: string, reaction: string) {
    return this.call<null>('remove_reaction', { message_id: messageId, reaction });
  }

  updateTypingStatus(_userId: string, typingToUserId: string | null) {
    return this.call<null>('update_typing_status', { typing_to: typingToUserId });
  }

  updatePresence(_userId: string, status: PresenceStatus, currentPage?: string) {
    return this.call<null>('update_presence', {
      status,
      ...(currentPage !== undefined && { current_page: currentPage }),
    });
  }

  searchUsers(query: string, _currentUserId: string, teamId?: string) {
    return this.call<User[]>('search_users', { query, ...(teamId && { team_id: teamId }) });
  }

  /** All words must occur. The next page: pass the last hit's id. */
  searchMessages(
    query: string,
    {
      conversationId,
      beforeId,
      limit = 20,
    }: { conversationId?: string; beforeId?: string; limit?: number } = {},
  ) {
    return this.call<MessageMatch[]>('search_messages', {
      query,
      page_size: limit,
      ...(conversationId && { conversation_id: conversationId }),
      ...(beforeId && { before_id: beforeId }),
    });
  }

  setArchived(conversationId: string, archived: boolean) {
    return this.call<null>('set_archived', { conversation_id: conversationId, archived });
  }

  /** Until a moment, 'infinity' for good, null for not muted. */
  setMuted(conversationId: string, until: string | null) {
    return this.call<null>('set_muted', { conversation_id: conversationId, until });
  }

  blockUser(userId: string) {
    return this.call<null>('block_user', { user_id: userId });
  }

  unblockUser(userId: string) {
    return this.call<null>('unblock_user', { user_id: userId });
  }

  /** The newest block first. The next page: pass the last row as `after`. */
  getBlockedUsers({ after, limit = 50 }: { after?: BlockedUser; limit?: number } = {}) {
    return this.call<BlockedUser[]>('get_blocked_users', {
      page_size: limit,
      ...(after && { before: after.blocked_at, before_id: after.id }),
    });
  }

  /** This browser is told of messages; its keys as PushSubscription.toJSON() has them. */
  addPushSubscription(
    subscription: { endpoint: string; p256dh: string; auth: string },
    label: string | undefined,
    showsText: boolean,
  ) {
    return this.call<string>('add_push_subscription', {
      ...subscription,
      ...(label && { label }),
      shows_text: showsText,
    });
  }

  removePushSubscription(endpoint: string) {
    return this.call<boolean>('remove_push_subscription', { endpoint });
  }

  private call<T>(name: string, args: Record<string, unknown>): Promise<Answer<T>> {
    return this.answer(() => this.supabase.rpc(name, args));
  }

  private async answer<T>(
    ask: () => PromiseLike<{ data: unknown; error: PostgrestError | null; status: number }>,
  ): Promise<Answer<T>> {
    try {
      const { data, error, status } = await ask();
      const signedOut =
        status === 401 || (status === 0 && error?.message.startsWith(SignedOut.prototype.name));
      if (signedOut || status > 0) {
        this.onAnswer(!signedOut);
      }
      return error
        ? { data: null, error: problem(error, signedOut ? 401 : status) }
        : { data: data as T, error: null };
    } catch (error) {
      return { data: null, error: problem({ message: String(error) }, 0) };
    }
  }
}

const TEMPORARY = [0, 401, 408, 425, 429, 500, 502, 503, 504];

function problem(error: Partial<PostgrestError>, status: number): Problem {
  return {
    message: error.message ?? '',
    hint: error.hint ?? null,
    status,
    code: error.code ?? '',
    reason: status === 0 ? null : (error.details ?? null),
    temporary: TEMPORARY.includes(status) || !error.code,
  };
}
