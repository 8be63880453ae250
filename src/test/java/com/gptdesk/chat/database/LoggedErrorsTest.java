package com.gptdesk.chat.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.testing.HeardLog;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** PostgreSQL puts the whole row into an error's detail; what people write must not be logged. */
class LoggedErrorsTest {
  private static final String TEXT = "for Bob alone";

  @Test
  void whatPeopleWriteIsNotInTheLogOfAFault() throws Exception {
    try (TestDatabase database = TestDatabase.fresh();
        HeardLog log = new HeardLog()) {
      Person alice = database.alice();
      UUID conversation = alice.talksTo(database.bob());
      alice.sends(conversation, TEXT);
      SQLException failure = assertThrows(SQLException.class, () -> breakARule(database));
      assertEquals("23514", failure.getSQLState());
      Refusal refusal = assertInstanceOf(Refusal.class, Refusal.meaningOf(failure));
      assertTrue(String.valueOf(refusal.details()).contains(TEXT), "the control: it is known");
      LoggerFactory.getLogger("com.gptdesk.chat").error("As a fault is logged", refusal);
      assertTrue(log.has("As a fault is logged", "numbers_start_at_one"), "with its cause");
      assertFalse(log.has(TEXT), () -> "" + log.lines());
    }
  }

  private static void breakARule(TestDatabase database) throws SQLException {
    try (Connection connection = database.owner().connect();
        Statement statement = connection.createStatement()) {
      statement.execute("alter table public.user_messages disable trigger user");
      statement.execute("update public.user_messages set seq = 0");
    }
  }
}
