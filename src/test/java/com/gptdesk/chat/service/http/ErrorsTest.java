package com.gptdesk.chat.service.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;

/** One table for HTTP and sockets: each failure has a status, PostgREST's code and Realtime's. */
class ErrorsTest {

  @Test
  void theDatabaseIsAwayOrHasNoRoom() {
    assertEquals("503 PGRST000 UnableToConnectToProject", shown(Errors.of(away("08006"))));
    assertEquals("503 53100 UnableToConnectToProject", shown(Errors.of(away("53100"))));
    assertEquals("503 PT503 UnableToConnectToProject", shown(Errors.of(away("23514"))));
    assertTrue(Errors.of(away("53100")).sentence().contains("disk is full"));
  }

  @Test
  void theDatabaseRefuses() {
    assertEquals("403 PT403 Unauthorized", shown(Errors.of(refusal("PT403"), false)));
    assertEquals("403 42501 Unauthorized", shown(Errors.of(refusal("42501"), false)));
    assertEquals("401 42501 Unauthorized", shown(Errors.of(refusal("42501"), true)));
    assertEquals("422 PT422 InvalidBroadcast", shown(Errors.of(refusal("PT422"), false)));
    assertEquals("400 22P02 InvalidBroadcast", shown(Errors.of(refusal("22P02"), false)));
    assertEquals("503 PT503 UnableToConnectToProject", shown(Errors.of(refusal("57014"), false)));
  }

  private static DatabaseUnavailable away(String state) {
    return new DatabaseUnavailable("no", new SQLException("no", state));
  }

  private static Refusal refusal(String code) {
    return new Refusal(code, "no", null, null, null);
  }

  private static String shown(Problem problem) {
    return problem.status() + " " + problem.code() + " " + problem.realtimeCode();
  }
}
