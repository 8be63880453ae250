package example;

import static com.gptdesk.chat.jooq.Tables.USER_MESSAGES;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.client.UserChat;
import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.embedded.EmbeddedDatabase;
import com.gptdesk.chat.database.migration.Migrations;
import com.gptdesk.chat.jooq.tables.pojos.UserMessage;
import com.gptdesk.chat.model.Message;
import com.gptdesk.chat.testing.ChatPolicies;
import com.gptdesk.chat.testing.ChatTestDatabase;
import java.sql.SQLException;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class LunchTest {

  @Test
  void twoTalkOneListensAndAThirdIsRefused() throws InterruptedException {
    try (ChatTestDatabase database = ChatTestDatabase.fresh()) {
      UserChat mallory = database.mallory();
      List<Message> messages =
          new Lunch()
              .talk(
                  database.owner(),
                  database.service(),
                  database.alice().userId(),
                  database.bob().userId(),
                  mallory.userId());

      assertEquals(
          List.of("Lunch at noon?", "Gladly!"), messages.stream().map(Message::content).toList());
      UUID conversation = messages.getFirst().conversationId();
      assertEquals(messages, database.alice().getMessages(conversation));
      assertEquals(List.of(), mallory.getMessages(conversation));
      Refusal no = assertThrows(Refusal.class, () -> mallory.sendMessage(conversation, "Me too!"));
      assertEquals(Refusal.Reason.NOT_ALLOWED, no.reason());

      // The generated code, in a transaction as the same person.
      List<UserMessage> rows =
          database
              .chat()
              .reading(
                  database.bob().userId(),
                  tx ->
                      tx.selectFrom(USER_MESSAGES)
                          .orderBy(USER_MESSAGES.SEQ)
                          .fetchInto(UserMessage.class));
      assertEquals("Gladly!", rows.getLast().content());
      assertEquals(List.of(), rows.getLast().readBy());
    }
  }

  @Test
  void thePoliciesHold() throws SQLException {
    try (ChatTestDatabase database = ChatTestDatabase.fresh()) {
      Login owner = database.owner();
      ChatPolicies.verify(owner.url(), owner.user(), owner.password());
    }
  }

  @Test
  void anEmptyDatabaseIsMigratedFromCode() {
    try (EmbeddedDatabase server = EmbeddedDatabase.temporary(false)) {
      assertTrue(Migrations.migrate(server.owner().dataSource(), null) > 10);
      assertEquals(0, Migrations.migrate(server.owner().dataSource(), null));
    }
  }

  @Test
  void thereIsNoWebServer() {
    for (String server :
        List.of(
            "io.vertx.core.Vertx",
            "io.netty.channel.Channel",
            "picocli.CommandLine",
            "ch.qos.logback.classic.Logger")) {
      assertThrows(ClassNotFoundException.class, () -> Class.forName(server));
    }
  }
}
