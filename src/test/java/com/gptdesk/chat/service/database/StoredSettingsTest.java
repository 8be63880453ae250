package com.gptdesk.chat.service.database;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.gptdesk.chat.testing.TestDatabase;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** What the environment sets is written to the database; the rest stays as it stands there. */
class StoredSettingsTest {

  private static final TestDatabase database = TestDatabase.fresh();

  @AfterAll
  static void stop() {
    database.close();
  }

  @Test
  void settingsOfTheEnvironmentAreWritten() {
    new StoredSettings(2000, null, null).write(database.owner());
    new StoredSettings(null, null, null).write(database.owner());
    assertEquals(
        "2000 3000",
        database.ownerReads(
            "select max_message_length || ' ' || typing_timeout_ms from chat.settings"));
    assertEquals(
        new ChatLimits(2000, 20, true, 3000, 104_857_600, null), ChatLimits.in(database.chat()));
  }
}
