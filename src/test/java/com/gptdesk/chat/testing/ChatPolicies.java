package com.gptdesk.chat.testing;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.policies.PolicyReport;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;

/** The policies of a database in a test of one line. */
public final class ChatPolicies {

  private ChatPolicies() {}

  /**
   * Tries the policy matrix as every person, in a transaction that is rolled back, and looks for
   * manual changes and other ways to the data.
   *
   * @param jdbcUrl {@code jdbc:postgresql://…} of a migrated database
   * @param user the owner of the chat's tables who may create people, or a superuser
   * @throws AssertionError something differs; the message has the matrix and the causes
   * @throws IllegalStateException it cannot be tested there; the message says what is missing
   * @throws SQLException the database failed
   */
  public static void verify(String jdbcUrl, String user, String password) throws SQLException {
    PolicyReport report = PolicyReport.of(new Login(jdbcUrl, user, password));
    var words = new ByteArrayOutputStream();
    boolean allWell;
    try (var out = new PrintStream(words, false, StandardCharsets.UTF_8)) {
      allWell = report.print(out);
    }
    if (!allWell) {
      throw new AssertionError(words.toString(StandardCharsets.UTF_8));
    }
  }
}
