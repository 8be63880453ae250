package com.gptdesk.chat.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.postgresql.util.PSQLException;
import org.postgresql.util.PSQLState;
import org.postgresql.util.ServerErrorMessage;

/** What a failure says of the transaction, whatever the language of the server is. */
class UndoneTransactionTest {

  private final List<String> asked = new ArrayList<>();

  @Test
  void anErrorIsUndoneInEachLanguage() {
    assertTrue(isUndone(answer("ERROR", "PT413"), connection(true, true)));
    assertTrue(isUndone(answer("FEHLER", "PT413"), connection(true, true)));
  }

  @Test
  void whatEndsTheSessionIsNot() {
    assertFalse(isUndone(answer("FATAL", "57P01"), connection(true, false)));
    assertFalse(isUndone(answer("PANIC", "53100"), connection(true, false)));
    assertFalse(isUndone(answer("SCHWERWIEGEND", "57P01"), connection(true, false)));
  }

  @Test
  void aConnectionThatThePoolHasClosedIsNot() {
    Connection closed =
        (Connection)
            Proxy.newProxyInstance(
                UndoneTransactionTest.class.getClassLoader(),
                new Class<?>[] {Connection.class},
                (proxy, method, arguments) -> {
                  throw new SQLException("Connection is closed");
                });
    assertFalse(isUndone(answer("FATAL", "57P01"), closed));
  }

  @Test
  void withoutAWordOfTheServerNobodyKnows() {
    PSQLException lost = new PSQLException("no answer", PSQLState.CONNECTION_FAILURE);
    assertFalse(isUndone(lost, connection(true, true)));
    assertFalse(isUndone(new SQLException("the pool is empty", "08001"), connection(true, true)));
    assertEquals(List.of(), asked);
  }

  @Test
  void aTransactionThatIsOpenIsUndoneHere() {
    assertTrue(isUndone(answer("ERROR", "PT413"), connection(false, true)));
    assertEquals(List.of("getAutoCommit", "rollback"), asked);
  }

  private static boolean isUndone(SQLException failure, Connection connection) {
    return Refusal.isOfAnUndoneTransaction(failure, connection);
  }

  private static PSQLException answer(String severity, String code) {
    return new PSQLException(new ServerErrorMessage("S%s\0C%s\0Mno\0".formatted(severity, code)));
  }

  private Connection connection(boolean autoCommit, boolean lives) {
    return (Connection)
        Proxy.newProxyInstance(
            UndoneTransactionTest.class.getClassLoader(),
            new Class<?>[] {Connection.class},
            (proxy, method, arguments) -> {
              asked.add(method.getName());
              return switch (method.getName()) {
                case "getAutoCommit" -> autoCommit;
                case "isValid" -> lives;
                case "rollback" -> null;
                default -> throw new AssertionError(method.getName());
              };
            });
  }
}
