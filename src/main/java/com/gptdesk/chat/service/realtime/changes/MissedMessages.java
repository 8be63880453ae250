package com.gptdesk.chat.service.realtime.changes;

import static com.gptdesk.chat.jooq.Tables.USER_CONVERSATIONS;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.internal.chat.Routines;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Reads the messages of a conversation that changed after a revision. */
@FunctionalInterface
public interface MissedMessages {

  /**
   * One message as it is now.
   *
   * @param at when it was sent, last edited or deleted
   * @param record the row as JSON object text, as in the change log
   */
  record Message(UUID id, long revision, long sentRevision, Instant at, String record) {}

  /**
   * One page of messages.
   *
   * @param head the conversation's revision at the time
   * @param messages by revision
   */
  record Page(long head, List<Message> messages) {
    public Page {
      messages = List.copyOf(messages);
    }
  }

  /**
   * The next messages that changed after that revision, as this caller may see them; null when the
   * caller sees no such conversation. Blocks; called on virtual threads.
   */
  @Nullable Page after(Caller caller, UUID conversation, long revision, int most);

  /** Reads from this database. */
  static MissedMessages in(ChatDatabase database) {
    return (caller, conversation, revision, most) ->
        database.<@Nullable Page>reading(
            caller,
            tx -> {
              Long head =
                  tx.select(USER_CONVERSATIONS.REVISION)
                      .from(USER_CONVERSATIONS)
                      .where(USER_CONVERSATIONS.ID.eq(conversation))
                      .fetchOne(USER_CONVERSATIONS.REVISION);
              return head == null
                  ? null
                  : new Page(
                      head,
                      Routines.changedMessages(tx.configuration(), conversation, revision, most)
                          .map(
                              row ->
                                  new Message(
                                      row.getId(),
                                      row.getRevision(),
                                      row.getSentRevision(),
                                      row.getAt().toInstant(),
                                      row.getRecord())));
            });
  }
}
