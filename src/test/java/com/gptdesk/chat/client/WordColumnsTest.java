package com.gptdesk.chat.client;

import static com.gptdesk.chat.jooq.Tables.USER_MESSAGES;
import static com.gptdesk.chat.jooq.Tables.USER_PRESENCE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.model.MessageType;
import com.gptdesk.chat.model.Presence;
import com.gptdesk.chat.model.WordColumns;
import com.gptdesk.chat.testing.TestDatabase;
import java.util.List;
import java.util.UUID;
import org.jooq.Record1;
import org.junit.jupiter.api.Test;

/** Words of text columns as values; a newer version's word is told of, never null. */
class WordColumnsTest {
  private static final String UNKNOWN =
      "This version of gptdesk-chat knows no message type \"poll\": update it, or read the column as the text that it is.";

  @Test
  void eachWordIsItsValueThereAndBack() {
    for (MessageType type : MessageType.values()) {
      assertEquals(type, WordColumns.messageType().from(type.toString()));
      assertEquals(type.toString(), WordColumns.messageType().to(type));
    }
    for (Presence.Status status : Presence.Status.values()) {
      assertEquals(status, WordColumns.presenceStatus().from(status.toString()));
    }
    assertNull(WordColumns.messageType().from(null));
    for (String other : List.of("TEXT", "Text", "", "poll")) {
      assertThrows(IllegalArgumentException.class, () -> MessageType.of(other));
    }
    assertThrows(IllegalArgumentException.class, () -> Presence.Status.of("ONLINE"));
  }

  @Test
  void aWordOfANewerVersionIsAnErrorThatNamesItAndATextThatIsRead() {
    try (TestDatabase database = TestDatabase.fresh()) {
      UUID conversation = database.alice().talksTo(database.bob());
      database.alice().sends(conversation, "hi");
      database.bob().is("busy", null);
      assertEquals(
          List.of(MessageType.TEXT),
          database
              .alice()
              .does(
                  tx ->
                      tx.select(USER_MESSAGES.MESSAGE_TYPE.convert(WordColumns.messageType()))
                          .from(USER_MESSAGES)
                          .where(USER_MESSAGES.MESSAGE_TYPE.eq(MessageType.TEXT.toString()))
                          .fetch(Record1::value1)));
      assertEquals(
          Presence.Status.BUSY,
          database
              .alice()
              .does(
                  tx ->
                      tx.select(USER_PRESENCE.STATUS.convert(WordColumns.presenceStatus()))
                          .from(USER_PRESENCE)
                          .where(USER_PRESENCE.USER_ID.eq(database.bob().id()))
                          .fetchSingle(Record1::value1)));

      database.asOwner(
          "alter table user_messages drop constraint message_type_is_known, drop constraint attachment_fits_type;"
              + " update user_messages set message_type = 'poll'");
      assertEquals(
          "poll",
          database
              .alice()
              .does(
                  tx ->
                      tx.select(USER_MESSAGES.MESSAGE_TYPE)
                          .from(USER_MESSAGES)
                          .fetchSingle()
                          .value1()));
      assertEquals(
          UNKNOWN,
          cause(
              () ->
                  database
                      .alice()
                      .does(
                          tx ->
                              tx.select(
                                      USER_MESSAGES.MESSAGE_TYPE.convert(WordColumns.messageType()))
                                  .from(USER_MESSAGES)
                                  .fetch())));
      UserChat alice = new UserChat(new ChatDatabase(database.dataSource()), database.alice().id());
      assertEquals(UNKNOWN, cause(() -> alice.getMessages(conversation)));
    }
  }

  private static String cause(Runnable reading) {
    Throwable last = assertThrows(RuntimeException.class, reading::run);
    while (last.getCause() != null) {
      last = last.getCause();
    }
    return String.valueOf(last.getMessage());
  }
}
