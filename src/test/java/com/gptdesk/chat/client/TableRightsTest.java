package com.gptdesk.chat.client;

import static com.gptdesk.chat.jooq.Tables.MESSAGE_REACTIONS;
import static com.gptdesk.chat.jooq.Tables.USER_MESSAGES;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.jooq.tables.daos.MessageReactionsDao;
import com.gptdesk.chat.jooq.tables.daos.UserConversationsDao;
import com.gptdesk.chat.jooq.tables.daos.UserMessagesDao;
import com.gptdesk.chat.jooq.tables.records.UserMessagesRecord;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;
import org.jooq.Configuration;
import org.jooq.DSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the generated DAOs and records do with the rights that people really have. */
class TableRightsTest {
  private final TestDatabase database = TestDatabase.fresh();
  private final Person alice = database.alice();
  private final UUID conversation = alice.talksTo(database.bob());

  @AfterEach
  void close() {
    database.close();
  }

  @Test
  void aWriteThatIsRefusedByDesignNamesItsFunction() {
    UUID message = alice.sends(conversation, "hi").getId();
    alice.reacts(message, "👍");
    Map<Consumer<Configuration>, String> refused = new LinkedHashMap<>();
    refused.put(c -> messages(c).insert(messages(c).fetchOneById(message)), "send_message");
    refused.put(c -> messages(c).merge(messages(c).fetchOneById(message)), "send_message");
    refused.put(
        c -> messages(c).update(messages(c).fetchOneById(message)),
        "edit_message or mark_as_read or delete_message");
    refused.put(c -> messages(c).deleteById(message), "delete_message");
    refused.put(c -> conversations(c).deleteById(conversation), "");
    refused.put(
        c -> conversations(c).update(conversations(c).fetchOneById(conversation)),
        "set_archived or mark_as_delivered or mark_conversation_as_read");
    refused.put(c -> reactions(c).insert(reactions(c).findAll()), "add_reaction");
    refused.put(c -> reactions(c).delete(reactions(c).findAll()), "remove_reaction");
    refused.put(c -> c.dsl().deleteFrom(MESSAGE_REACTIONS).execute(), "remove_reaction");
    refused.put(
        c -> c.dsl().fetchSingle(USER_MESSAGES, USER_MESSAGES.ID.eq(message)).delete(),
        "delete_message");
    refused.forEach(
        (attempt, functions) -> {
          Refusal refusal =
              alice.isRefused(() -> alice.tries(tx -> attempt.accept(tx.configuration())), "42501");
          if (functions.isEmpty()) {
            assertNull(refusal.hint(), "people keep their conversations");
          } else {
            assertEquals("Call the function " + functions, refusal.hint());
          }
        });
  }

  @Test
  void whatMayNotBeReadIsNoMatterOfFunctions() {
    Refusal refusal =
        alice.isRefused(() -> alice.tries(tx -> tx.fetch("select * from chat.settings")), "42501");
    assertNull(refusal.hint());
  }

  @Test
  void aStoredRecordIsAsTheDatabaseHasIt() {
    alice.does(
        tx -> {
          UserMessagesRecord message = messageOf(tx);
          message.store();
          assertNotNull(message.getId());
          assertNotNull(message.getCreatedAt());
          assertEquals(1, message.getSeq());
          assertEquals(database.bob().id(), message.getRecipientId());
          assertEquals(
              message, tx.fetchSingle(USER_MESSAGES, USER_MESSAGES.ID.eq(message.getId())));
          return null;
        });
  }

  private UserMessagesRecord messageOf(DSLContext tx) {
    UserMessagesRecord message = tx.newRecord(USER_MESSAGES);
    message.setConversationId(conversation);
    message.setSenderId(alice.id());
    message.setContent("hi");
    return message;
  }

  private static UserMessagesDao messages(Configuration tx) {
    return new UserMessagesDao(tx);
  }

  private static UserConversationsDao conversations(Configuration tx) {
    return new UserConversationsDao(tx);
  }

  private static MessageReactionsDao reactions(Configuration tx) {
    return new MessageReactionsDao(tx);
  }
}
