package com.gptdesk.chat.database;

import static com.gptdesk.chat.jooq.Tables.USER_MESSAGES;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The door: everything runs as somebody, and nothing of it stays behind. */
class ChatDatabaseTest {

  private final TestDatabase database = TestDatabase.fresh();
  private final Person alice = database.alice();
  private final Person bob = database.bob();
  private final Person mallory = database.mallory();

  @AfterEach
  void close() {
    database.close();
  }

  @Test
  void eachSeesTheirOwn() {
    UUID conversation = alice.talksTo(bob);
    assertEquals("hi", alice.sends(conversation, "hi").getContent());

    mallory.sees(USER_MESSAGES).nothing();
    mallory.isRefused(() -> mallory.sends(conversation, "hi"), "PT403");
    bob.sees(USER_MESSAGES).rows(1);
  }
}
