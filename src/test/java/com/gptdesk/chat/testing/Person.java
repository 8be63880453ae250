package com.gptdesk.chat.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.jooq.Routines;
import com.gptdesk.chat.jooq.routines.SendMessage;
import com.gptdesk.chat.jooq.udt.records.ConversationViewRecord;
import com.gptdesk.chat.jooq.udt.records.MessageViewRecord;
import com.gptdesk.chat.jooq.udt.records.UnreadTotalRecord;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jooq.DSLContext;
import org.jooq.Record;
import org.jooq.Result;
import org.jooq.Table;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.function.Executable;

/**
 * Somebody of the cast, who does everything by ChatDatabase, under row-level security.
 *
 * <pre>{@code
 * mallory.sees(USER_MESSAGES).nothing();
 * mallory.isRefused(() -> mallory.sends(conversation, "hi"), "PT403");
 * alice.sees(USER_MESSAGES).rows(1);            // the control: the message is there
 * }</pre>
 */
public final class Person {

  private final String name;
  private final @Nullable UUID id;
  private final Caller caller;
  private final ChatDatabase chat;

  Person(String name, @Nullable UUID id, Caller caller, ChatDatabase chat) {
    this.name = name;
    this.id = id;
    this.caller = caller;
    this.chat = chat;
  }

  /** Fails for those without a name: Anon and the service. */
  public UUID id() {
    if (id == null) {
      throw new IllegalStateException(name + " has no id");
    }
    return id;
  }

  public Caller caller() {
    return caller;
  }

  /** Does something in one transaction of this person, and returns what came of it. */
  public <T extends @Nullable Object> T does(Function<DSLContext, T> work) {
    return chat.as(caller, work);
  }

  /** {@link #does} for work without a result. */
  public void tries(Consumer<DSLContext> work) {
    chat.<@Nullable Void>as(
        caller,
        tx -> {
          work.accept(tx);
          return null;
        });
  }

  /** The conversation with the other person, opened when there is none. */
  public UUID talksTo(Person other) {
    return does(tx -> Routines.getOrCreateConversation(tx.configuration(), id(), other.id()));
  }

  /** Sends a text and returns the message as its readers see it. */
  public MessageViewRecord sends(UUID conversation, String content) {
    return does(
        tx -> {
          SendMessage message = new SendMessage();
          message.setConversationId(conversation);
          message.setContent(content);
          message.execute(tx.configuration());
          return message.getReturnValue();
        });
  }

  /** Sends a text with an id of one's own: the idempotency key. */
  public MessageViewRecord sends(UUID id, UUID conversation, String content) {
    return does(
        tx -> {
          SendMessage message = new SendMessage();
          message.setId(id);
          message.setConversationId(conversation);
          message.setContent(content);
          message.execute(tx.configuration());
          return message.getReturnValue();
        });
  }

  /** Sends a text with an id of one's own, and says when it was written. */
  public MessageViewRecord sends(
      @Nullable UUID id, UUID conversation, String content, @Nullable Instant writtenAt) {
    return does(
        tx -> {
          SendMessage message = new SendMessage();
          message.setConversationId(conversation);
          message.setContent(content);
          if (id != null) {
            message.setId(id);
          }
          if (writtenAt != null) {
            message.setWrittenAt(writtenAt.atOffset(ZoneOffset.UTC));
          }
          message.execute(tx.configuration());
          return message.getReturnValue();
        });
  }

  /** Gives a message another text. */
  public MessageViewRecord edits(UUID message, String content) {
    return does(tx -> Routines.editMessage(tx.configuration(), message, content));
  }

  /** Takes a message back. */
  public MessageViewRecord deletes(UUID message) {
    return does(tx -> Routines.deleteMessage(tx.configuration(), message));
  }

  /** Marks these messages as read and returns what is still unread in their conversations. */
  public long reads(UUID... messages) {
    return does(tx -> Routines.markAsRead(tx.configuration(), messages));
  }

  /**
   * Marks a conversation as read and returns what is still unread.
   *
   * @param upTo null for all of it
   */
  public long readsUpTo(UUID conversation, @Nullable Long upTo) {
    return does(tx -> Routines.markConversationAsRead(tx.configuration(), conversation, upTo));
  }

  /**
   * Marks what the other has written as unread again and returns what is unread then.
   *
   * @param from null for the last of it
   */
  public long marksUnread(UUID conversation, @Nullable Long from) {
    return does(tx -> Routines.markAsUnread(tx.configuration(), conversation, from));
  }

  /** Says that a device has received conversations; returns how many positions moved. */
  public long receives(UUID @Nullable [] conversations, Long @Nullable [] upTo) {
    return does(tx -> Routines.markAsDelivered(tx.configuration(), conversations, upTo));
  }

  /** What is unread in all conversations: messages, then conversations. */
  public List<Long> unread() {
    UnreadTotalRecord total = does(tx -> Routines.getUnreadTotal(tx.configuration()));
    return List.of(total.getMessages(), total.getConversations());
  }

  public void reacts(UUID message, @Nullable String reaction) {
    tries(tx -> Routines.addReaction(tx.configuration(), message, reaction));
  }

  public void takesBack(UUID message, String reaction) {
    tries(tx -> Routines.removeReaction(tx.configuration(), message, reaction));
  }

  public void archives(UUID conversation, @Nullable Boolean archived) {
    tries(tx -> Routines.setArchived(tx.configuration(), conversation, archived));
  }

  /**
   * Wants no sound of a conversation.
   *
   * @param until null to lift it
   */
  public void mutes(UUID conversation, @Nullable OffsetDateTime until) {
    tries(tx -> Routines.setMuted(tx.configuration(), conversation, until));
  }

  public void blocks(@Nullable UUID user) {
    tries(tx -> Routines.blockUser(tx.configuration(), user));
  }

  public void unblocks(UUID user) {
    tries(tx -> Routines.unblockUser(tx.configuration(), user));
  }

  public void is(@Nullable String status, @Nullable String page) {
    tries(tx -> Routines.updatePresence(tx.configuration(), status, page));
  }

  /**
   * Is typing to somebody.
   *
   * @param other null for nobody any more
   */
  public void typesTo(@Nullable UUID other) {
    tries(tx -> Routines.updateTypingStatus(tx.configuration(), other));
  }

  /** The newest page of a conversation, ascending. */
  public Result<MessageViewRecord> messagesOf(UUID conversation) {
    return does(tx -> Routines.getMessages(tx.configuration(), conversation, null, null, 200));
  }

  /** One of one's conversations, archived or not; null when it is not among them. */
  public @Nullable ConversationViewRecord conversation(UUID id) {
    return does(tx -> Routines.getConversations(tx.configuration(), null, null, 1, null, id))
        .stream()
        .findFirst()
        .orElse(null);
  }

  /** What this person sees of a table; every row that row-level security shows, unless narrowed. */
  public Sight sees(Table<?> table) {
    return new Sight(table);
  }

  /**
   * The database says no to this, with this SQLSTATE. "Is refused" (an error) is another promise
   * than "sees nothing" (filtered).
   *
   * @return the refusal, for a closer look
   */
  public Refusal isRefused(Executable attempt, String code) {
    Refusal refusal =
        assertThrows(Refusal.class, attempt, () -> name + " should have been refused with " + code);
    assertEquals(code, refusal.code(), () -> name + " was told: " + refusal.getMessage());
    return refusal;
  }

  @Override
  public String toString() {
    return name;
  }

  /** The rows of one table that one person sees. */
  public final class Sight {

    private final Table<?> table;

    private Sight(Table<?> table) {
      this.table = table;
    }

    public void nothing() {
      rows(0);
    }

    public void rows(int expected) {
      assertEquals(expected, count(), () -> name + " counted the rows of " + table.getName());
    }

    public int count() {
      return does(tx -> tx.selectCount().from(table).fetchSingle().value1());
    }

    /** All of them, for a closer look. */
    public Result<? extends Record> all() {
      return does(tx -> tx.selectFrom(table).fetch());
    }
  }
}
