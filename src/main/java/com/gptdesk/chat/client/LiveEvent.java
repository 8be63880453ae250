package com.gptdesk.chat.client;

import com.gptdesk.chat.model.JsonColumns;
import com.gptdesk.chat.relay.Change;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An event for a subscriber to live changes. */
public sealed interface LiveEvent {

  /**
   * One committed change of one row that this person may see. Delivered once, in the order of its
   * conversation.
   *
   * @param table {@code user_messages}, {@code user_conversations}, {@code user_presence}, {@code
   *     message_reactions}, {@code conversation_preferences} or {@code user_blocks}
   * @param operation what happened to the row
   * @param at when the change was made, by the database's clock
   * @param recordJson the row as it is now, a JSON object by column name; null for a delete
   * @param oldRecordJson for an update the old row's primary key, for a delete the whole old row;
   *     null for an insert
   */
  record Changed(
      String table,
      Change.Operation operation,
      Instant at,
      @Nullable String recordJson,
      @Nullable String oldRecordJson)
      implements LiveEvent {

    /**
     * The row as it is now, or the old row after a delete. Parsed at each call.
     *
     * @return values by column name: ids and times as strings, numbers, booleans, nulls
     */
    public Map<String, @Nullable Object> row() {
      String text = recordJson != null ? recordJson : oldRecordJson;
      return text == null ? Map.of() : JsonColumns.object(text);
    }

    static Changed of(Change change) {
      return new Changed(
          change.table(), change.operation(), change.at(), change.record(), change.oldRecord());
    }
  }

  /**
   * Read what you show again: {@link UserChat#getConversations()}, then {@link UserChat#getChanges}
   * where the revision differs. It is the first event, and comes whenever changes could not be
   * delivered; the events after it are complete again. They may repeat changes that you have read:
   * compare {@code revision}.
   *
   * @param reason a sentence for people
   */
  record Resync(String reason) implements LiveEvent {}
}
