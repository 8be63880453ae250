package com.gptdesk.chat.client;

import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.StorableText;
import com.gptdesk.chat.jooq.Routines;
import com.gptdesk.chat.model.Attachment;
import com.gptdesk.chat.model.BlockedUser;
import com.gptdesk.chat.model.Conversation;
import com.gptdesk.chat.model.FoundMessage;
import com.gptdesk.chat.model.FoundUser;
import com.gptdesk.chat.model.JsonColumns;
import com.gptdesk.chat.model.Message;
import com.gptdesk.chat.model.NewMessage;
import com.gptdesk.chat.model.Presence;
import com.gptdesk.chat.model.UnreadTotal;
import java.nio.file.Path;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Flow;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jooq.Configuration;
import org.jooq.DSLContext;
import org.jspecify.annotations.Nullable;

/**
 * The chat as one person uses it: it allows exactly what the database lets that person do and see.
 * Each method is one transaction as that person. On {@link ChatDatabase#on(Configuration)} it joins
 * your transaction, so that a message and an order are stored together or not at all.
 *
 * <p>When the database forbids something, the method throws a {@link
 * com.gptdesk.chat.database.Refusal} with a {@code reason()}. When it cannot be reached, it throws
 * {@link com.gptdesk.chat.database.connection.DatabaseUnavailable}. Pages have 1 to 200 rows; the
 * next one is asked for by key.
 *
 * <p>Blocks the caller's thread; as thread-safe as its {@link ChatDatabase}. It has no state, so
 * you may create one for each request.
 */
public final class UserChat {

  private static final int PAGE = 50;

  private final ChatDatabase database;
  private final UUID userId;

  /**
   * The chat of one person.
   *
   * @param database where the chat is stored
   * @param userId who it is: the id that your own sign-in has established
   */
  public UserChat(ChatDatabase database, UUID userId) {
    this.database = database;
    this.userId = userId;
  }

  /**
   * Whose chat this is.
   *
   * @return the person's id
   */
  public UUID userId() {
    return userId;
  }

  /**
   * Where the chat is stored.
   *
   * @return as given to the constructor
   */
  public ChatDatabase database() {
    return database;
  }

  // Conversations

  /**
   * The conversation with somebody, opened when there is none.
   *
   * @param otherUserId an active member of this person's team
   * @return the conversation's id
   */
  public UUID getOrCreateConversation(UUID otherUserId) {
    return ask(tx -> Routines.getOrCreateConversation(tx.configuration(), userId, otherUserId));
  }

  /**
   * This person's conversations that are not archived: the newest fifty.
   *
   * @return newest first
   */
  public List<Conversation> getConversations() {
    return conversations(null, PAGE, false);
  }

  /**
   * A page of this person's conversations.
   *
   * @param after the last one of the page before; null for the first page
   * @param pageSize 1 to 200
   * @param archived true for the archived ones, false for the others
   * @return newest first
   */
  public List<Conversation> getConversations(
      @Nullable Conversation after, int pageSize, boolean archived) {
    return conversations(after, pageSize, archived);
  }

  private List<Conversation> conversations(
      @Nullable Conversation after, int pageSize, boolean archived) {
    OffsetDateTime before = after == null ? null : moment(lastMoment(after));
    UUID beforeId = after == null ? null : after.id();
    return read(
        tx ->
            Views.conversations(
                Routines.getConversations(
                    tx.configuration(), before, beforeId, pageSize, archived, null)));
  }

  private static Instant lastMoment(Conversation conversation) {
    Instant last = conversation.lastMessageAt();
    return last == null ? conversation.createdAt() : last;
  }

  /**
   * One of this person's conversations, archived or not.
   *
   * @param conversationId which one
   * @return empty when this person has no such conversation
   */
  public Optional<Conversation> getConversation(UUID conversationId) {
    return read(
        tx ->
            Views.conversations(
                    Routines.getConversations(
                        tx.configuration(), null, null, 1, false, conversationId))
                .stream()
                .findFirst());
  }

  /**
   * Archives a conversation for this person until the next message, or restores it.
   *
   * @param conversationId which one
   * @param archived true to archive it
   */
  public void setArchived(UUID conversationId, boolean archived) {
    run(tx -> Routines.setArchived(tx.configuration(), conversationId, archived));
  }

  /**
   * Mutes a conversation for a while.
   *
   * @param conversationId which one
   * @param until when it ends, {@link Instant#MAX} for never; null to unmute
   */
  public void setMuted(UUID conversationId, @Nullable Instant until) {
    run(
        tx ->
            Routines.setMuted(
                tx.configuration(),
                conversationId,
                until == null
                    ? null
                    : until.equals(Instant.MAX) ? OffsetDateTime.MAX : moment(until)));
  }

  // Messages

  /**
   * The newest fifty messages of a conversation.
   *
   * @param conversationId which one
   * @return by number, ascending; empty when this person does not take part in it
   */
  public List<Message> getMessages(UUID conversationId) {
    return messages(conversationId, null, null, PAGE);
  }

  /**
   * The page before a message: older ones.
   *
   * @param conversationId which conversation
   * @param beforeSeq the smallest number that is known
   * @param pageSize 1 to 200
   * @return by number, ascending, the last one just before that number
   */
  public List<Message> getMessagesBefore(UUID conversationId, long beforeSeq, int pageSize) {
    return messages(conversationId, beforeSeq, null, pageSize);
  }

  /**
   * The page after a message: newer ones.
   *
   * @param conversationId which conversation
   * @param afterSeq the largest number that is known; 0 for the first page
   * @param pageSize 1 to 200
   * @return by number, ascending, the first one just after that number
   */
  public List<Message> getMessagesAfter(UUID conversationId, long afterSeq, int pageSize) {
    return messages(conversationId, null, afterSeq, pageSize);
  }

  private List<Message> messages(
      UUID conversationId, @Nullable Long beforeSeq, @Nullable Long afterSeq, int pageSize) {
    return read(
        tx ->
            Views.messages(
                Routines.getMessages(
                    tx.configuration(), conversationId, beforeSeq, afterSeq, pageSize)));
  }

  /**
   * Messages that were sent, edited, deleted or reacted to since a revision: the way to catch up.
   *
   * @param conversationId which conversation
   * @param afterRevision the largest {@link Message#revision} that is known; 0 for all
   * @param pageSize 1 to 200
   * @return by revision, ascending; each changed message once, as it is now
   */
  public List<Message> getChanges(UUID conversationId, long afterRevision, int pageSize) {
    return read(
        tx ->
            Views.messages(
                Routines.getChanges(tx.configuration(), conversationId, afterRevision, pageSize)));
  }

  /**
   * Sends a text.
   *
   * @param conversationId where
   * @param content at least one character that can be seen, at most as many as {@code
   *     chat.settings} allows (1000)
   * @return the message, numbered
   */
  public Message sendMessage(UUID conversationId, String content) {
    return sendMessage(conversationId, NewMessage.text(content));
  }

  /**
   * Sends a message. With an id of your own you may send it again after a failure whose outcome is
   * unknown: it is stored once.
   *
   * @param conversationId where
   * @param message what
   * @return the message, numbered
   */
  public Message sendMessage(UUID conversationId, NewMessage message) {
    Attachment file = message.attachment();
    return ask(
        tx ->
            Views.message(
                Routines.sendMessage(
                    tx.configuration(),
                    conversationId,
                    StorableText.of(message.content()),
                    message.messageType().toString(),
                    message.id(),
                    file == null ? null : StorableText.ofNullable(file.url()),
                    file == null ? null : StorableText.ofNullable(file.name()),
                    file == null ? null : file.size(),
                    JsonColumns.text(message.metadata()),
                    message.writtenAt() == null ? null : moment(message.writtenAt()))));
  }

  /**
   * Uploads a file and sends it. When its outcome is unknown, call the other form, with an id.
   *
   * @param uploads to the service that keeps the bytes
   * @param conversationId where
   * @param file what; its name is shown
   * @return the message, numbered: of type image for a picture, else of type file
   */
  public Message sendFile(FileUploads uploads, UUID conversationId, Path file) {
    return sendFile(uploads, conversationId, file, "", UUID.randomUUID());
  }

  /**
   * Uploads a file and sends it. The same id again uploads and sends nothing that is there: the
   * file is sent once, whatever failed in between.
   *
   * <p>Not for a transaction of yours that has locked the conversation, as the service would wait
   * for it: upload with {@link FileUploads#upload} before, and send the path in the transaction.
   *
   * @param uploads to the service that keeps the bytes
   * @param conversationId where
   * @param file what; its name is shown
   * @param content an accompanying text; may be empty
   * @param id any UUID but the nil one, the same for each try; see {@link NewMessage#withId}
   * @return the message, numbered: of type image for a picture, else of type file
   * @throws com.gptdesk.chat.database.Refusal this person may not send it, or it may not be stored
   * @throws ServiceUnavailable the service cannot be reached, or fails
   * @throws java.io.UncheckedIOException the file cannot be read
   */
  public Message sendFile(
      FileUploads uploads, UUID conversationId, Path file, String content, UUID id) {
    String path = uploads.upload(userId, conversationId, id + "/" + file.getFileName(), file);
    return sendMessage(
        conversationId, NewMessage.image(content, new Attachment(path, null, null)).withId(id));
  }

  /**
   * Edits a message of this person.
   *
   * @param messageId which one
   * @param content the new text
   * @return the message as it is now
   */
  public Message editMessage(UUID messageId, String content) {
    return ask(
        tx ->
            Views.message(
                Routines.editMessage(tx.configuration(), messageId, StorableText.of(content))));
  }

  /**
   * Deletes a message of this person: its text is blanked and it keeps its number.
   *
   * @param messageId which one
   * @return the message as it is now
   */
  public Message deleteMessage(UUID messageId) {
    return ask(tx -> Views.message(Routines.deleteMessage(tx.configuration(), messageId)));
  }

  /**
   * Marks messages as read, and everything before them.
   *
   * @param messageIds at most 1000, of conversations of this person; others are ignored
   * @return how many messages are still unread in their conversations
   */
  public long markAsRead(Collection<UUID> messageIds) {
    return ask(tx -> Routines.markAsRead(tx.configuration(), messageIds.toArray(UUID[]::new)));
  }

  /**
   * Marks a whole conversation as read.
   *
   * @param conversationId which one
   * @return how many of its messages are still unread: those that came meanwhile
   */
  public long markConversationAsRead(UUID conversationId) {
    return ask(tx -> Routines.markConversationAsRead(tx.configuration(), conversationId, null));
  }

  /**
   * Marks a conversation as read up to a message. The read position never goes back.
   *
   * @param conversationId which one
   * @param upToSeq the number of the last message that was read
   * @return how many of its messages are still unread
   */
  public long markConversationAsRead(UUID conversationId, long upToSeq) {
    return ask(tx -> Routines.markConversationAsRead(tx.configuration(), conversationId, upToSeq));
  }

  /**
   * Marks what the other person has written as unread again, from a message on. The other person
   * does not learn of it. It marks nothing as read.
   *
   * @param conversationId which one
   * @param fromSeq the number of the first message that is to be unread; where the other person has
   *     written none from it on, their last one is
   * @return how many of its messages are unread
   */
  public long markAsUnread(UUID conversationId, long fromSeq) {
    return ask(tx -> Routines.markAsUnread(tx.configuration(), conversationId, fromSeq));
  }

  /**
   * Says that a device of this person has received a conversation, so that the other person sees
   * it. Whoever reads need not say so. Passed over where one of the two has blocked the other.
   *
   * @param conversationId which one
   * @param upToSeq the number of the last message that was received
   * @return whether that was not known yet
   */
  public boolean markAsDelivered(UUID conversationId, long upToSeq) {
    UUID[] conversations = {conversationId};
    Long[] upTo = {upToSeq};
    return ask(tx -> Routines.markAsDelivered(tx.configuration(), conversations, upTo)) > 0;
  }

  /** {@return what is unread in all conversations but archived and muted ones} */
  public UnreadTotal getUnreadTotal() {
    return read(
        tx -> {
          var total = Routines.getUnreadTotal(tx.configuration());
          return new UnreadTotal(total.getMessages(), total.getConversations());
        });
  }

  /**
   * Reacts to a message; a repetition changes nothing.
   *
   * @param messageId which one
   * @param reaction one emoji, or a short name in colons if {@code chat.settings} allows it
   */
  public void addReaction(UUID messageId, String reaction) {
    run(tx -> Routines.addReaction(tx.configuration(), messageId, StorableText.of(reaction)));
  }

  /**
   * Removes a reaction; a repetition changes nothing.
   *
   * @param messageId which message
   * @param reaction which reaction of this person
   */
  public void removeReaction(UUID messageId, String reaction) {
    run(tx -> Routines.removeReaction(tx.configuration(), messageId, StorableText.of(reaction)));
  }

  // People

  /**
   * Blocks somebody: that person can no longer write to this person.
   *
   * @param otherUserId somebody whom this person knows
   */
  public void blockUser(UUID otherUserId) {
    run(tx -> Routines.blockUser(tx.configuration(), otherUserId));
  }

  /**
   * Lifts a block; a repetition changes nothing.
   *
   * @param otherUserId who was blocked
   */
  public void unblockUser(UUID otherUserId) {
    run(tx -> Routines.unblockUser(tx.configuration(), otherUserId));
  }

  /** {@return whom this person has blocked, the newest block first; at most 50} */
  public List<BlockedUser> getBlockedUsers() {
    return getBlockedUsers(null, 50);
  }

  /**
   * A page of those whom this person has blocked, the newest block first.
   *
   * @param before the last of the page before; null for the first page
   * @param pageSize 1 to 200
   * @return also people who have left the team since
   */
  public List<BlockedUser> getBlockedUsers(@Nullable BlockedUser before, int pageSize) {
    return read(
        tx ->
            Views.blocked(
                Routines.getBlockedUsers(
                    tx.configuration(),
                    before == null ? null : before.blockedAt().atOffset(ZoneOffset.UTC),
                    before == null ? null : before.id(),
                    pageSize)));
  }

  /**
   * Says that this person is typing to somebody. It ends by itself after {@code
   * chat.settings.typing_timeout_ms} milliseconds (3000) unless it is repeated.
   *
   * @param typingTo the other person of a conversation; null for nobody
   */
  public void updateTypingStatus(@Nullable UUID typingTo) {
    run(tx -> Routines.updateTypingStatus(tx.configuration(), typingTo));
  }

  /**
   * Sets whether this person is there. Without a call for {@code chat.settings.presence_timeout_ms}
   * milliseconds (30000) a person counts as offline.
   *
   * @param status what the team is to see
   */
  public void updatePresence(Presence.Status status) {
    updatePresence(status, null);
  }

  /**
   * Sets whether this person is there, and on which page of the application. Nobody else sees the
   * page.
   *
   * @param status what the team is to see
   * @param currentPage null for no particular page
   */
  public void updatePresence(Presence.Status status, @Nullable String currentPage) {
    run(
        tx ->
            Routines.updatePresence(
                tx.configuration(), status.toString(), StorableText.ofNullable(currentPage)));
  }

  /**
   * Active people of this person's team by name or address, not this person: at most ten.
   *
   * @param query a part of the name or of the address
   * @return the people
   */
  public List<FoundUser> searchUsers(String query) {
    return searchUsers(query, 10);
  }

  /**
   * Active people of this person's team by name or address, not this person. To learn whether there
   * are more than are shown, ask for one more.
   *
   * @param query words in any order, each a part of the name or of the address; case, accents and
   *     apostrophes do not matter
   * @param pageSize 1 to 200
   * @return the people
   */
  public List<FoundUser> searchUsers(String query, int pageSize) {
    return read(
        tx ->
            Views.users(
                Routines.searchUsers(tx.configuration(), StorableText.of(query), null, pageSize)));
  }

  /**
   * Messages of this person's conversations that have these words: the newest twenty.
   *
   * @param query words
   * @return newest first
   */
  public List<FoundMessage> searchMessages(String query) {
    return searchMessages(query, null, null, 20);
  }

  /**
   * A page of the messages of this person's conversations that have these words.
   *
   * @param query words
   * @param conversationId in which conversation; null for all
   * @param beforeId the last message of the page before; null for the first page
   * @param pageSize 1 to 200
   * @return newest first
   */
  public List<FoundMessage> searchMessages(
      String query, @Nullable UUID conversationId, @Nullable UUID beforeId, int pageSize) {
    return read(
        tx ->
            Views.found(
                Routines.searchMessages(
                    tx.configuration(),
                    StorableText.of(query),
                    conversationId,
                    beforeId,
                    pageSize)));
  }

  // Live changes

  /**
   * Subscribes to every change that this person may see, the same ones that a browser gets. See
   * {@link LiveChanges#of} for the events.
   *
   * @param live the program's source of changes
   * @param subscriber receives the events; it ends the subscription with {@link
   *     Flow.Subscription#cancel}
   */
  public void subscribe(LiveChanges live, Flow.Subscriber<? super LiveEvent> subscriber) {
    live.of(userId).subscribe(subscriber);
  }

  /**
   * Subscribes a listener to every change that this person may see. The listener may block: changes
   * wait meanwhile, and when there are too many, a resync replaces them.
   *
   * @param live the program's source of changes
   * @param listener called on virtual threads, one at a time; see {@link LiveChanges#of}
   * @return ends the subscription, and tells when it has ended
   */
  public LiveSubscription subscribe(LiveChanges live, Consumer<? super LiveEvent> listener) {
    ListenerSubscription subscription = new ListenerSubscription(listener);
    live.of(userId).subscribe(subscription);
    return subscription;
  }

  private <T> T ask(Function<DSLContext, T> work) {
    return database.as(userId, work);
  }

  private <T> T read(Function<DSLContext, T> work) {
    return database.reading(userId, work);
  }

  private void run(Consumer<DSLContext> work) {
    database.<@Nullable Void>as(
        userId,
        tx -> {
          work.accept(tx);
          return null;
        });
  }

  private static OffsetDateTime moment(Instant instant) {
    return instant.atOffset(ZoneOffset.UTC);
  }
}
