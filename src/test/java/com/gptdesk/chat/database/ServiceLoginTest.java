package com.gptdesk.chat.database;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Whom the policies would not hold may not be the runtime login. */
class ServiceLoginTest {

  private final TestDatabase database = TestDatabase.fresh();

  @AfterEach
  void close() {
    database.close();
    TestDatabase.asSuperuser("drop role if exists clerk");
  }

  @Test
  void theEmbeddedOneWillDo() {
    assertDoesNotThrow(() -> ServiceLogin.verify(database.service()));
  }

  @Test
  void aMemberOfChatServiceWillDo() {
    clerk("login inherit in role chat_service");
    assertDoesNotThrow(() -> ServiceLogin.verify(asClerk()));
  }

  /** A login may give itself a role, and it stays when its password has been changed. */
  @Test
  void whoBeginsEachSessionAsSomebodyWillNot() throws SQLException {
    clerk("login inherit in role chat_service");
    String here = database.ownerReads("select current_database()");
    for (String setting :
        List.of("role = service_role", "request.jwt.claims = 'x'", "chat.joined = 'on'")) {
      String name = setting.substring(0, setting.indexOf(' '));
      for (String where : List.of("alter role clerk", "alter role clerk in database " + here)) {
        if (name.equals("role")) {
          try (Connection mine = asClerk().connect();
              Statement statement = mine.createStatement()) {
            statement.execute(where + " set " + setting);
          }
        } else {
          TestDatabase.asSuperuser(where + " set " + setting);
        }
        IllegalStateException no =
            assertThrows(IllegalStateException.class, () -> ServiceLogin.verify(asClerk()));
        String said = String.valueOf(no.getMessage());
        assertTrue(said.contains("begins each session with " + name), said);
        String remedy = where + " reset " + name;
        assertTrue(said.contains("(" + remedy + ")"), said);
        TestDatabase.asSuperuser(remedy);
        assertDoesNotThrow(() -> ServiceLogin.verify(asClerk()));
      }
    }
  }

  @Test
  void whoOwnsTheTablesWillNot() {
    refused(
        database.owner(),
        "The runtime login chat_owner will not do, because it has CREATEROLE, and owns something,"
            + " and is no member of chat_service that inherits (grant chat_service to it).");
  }

  @Test
  void whoBypassesThePoliciesWillNot() {
    clerk("login superuser bypassrls");
    refused(
        asClerk(),
        "The runtime login clerk will not do, because it is a superuser, and has BYPASSRLS, and is"
            + " a member of the tables' owner.");
  }

  @Test
  void whoMakesRolesOrReadsTheLogWillNot() {
    clerk("login inherit createrole replication in role chat_service");
    refused(
        asClerk(),
        "The runtime login clerk will not do, because it has CREATEROLE, and has REPLICATION.");
  }

  @Test
  void whoHasARightOnTheWholeServerWillNot() {
    clerk("login inherit in role chat_service, pg_read_all_data, pg_execute_server_program");
    refused(
        asClerk(),
        "The runtime login clerk will not do, because it is a member of pg_execute_server_program,"
            + " pg_read_all_data.");
  }

  @Test
  void aMemberOfTheOwnerWillNot() {
    clerk("login inherit in role chat_service, chat_owner");
    refused(
        asClerk(),
        "The runtime login clerk will not do, because it is a member of the tables' owner.");
  }

  @Test
  void whoMayNotBecomeTheRolesWillNot() {
    clerk("login noinherit");
    refused(
        asClerk(),
        "The runtime login clerk will not do, because it is no member of chat_service that inherits"
            + " (grant chat_service to it).");
  }

  private static void clerk(String attributes) {
    TestDatabase.asSuperuser("create role clerk password 'clerk' " + attributes);
  }

  private Login asClerk() {
    return new Login(database.service().url(), "clerk", "clerk");
  }

  private static void refused(Login login, String message) {
    IllegalStateException no =
        assertThrows(IllegalStateException.class, () -> ServiceLogin.verify(login));
    assertEquals(message, no.getMessage());
  }
}
