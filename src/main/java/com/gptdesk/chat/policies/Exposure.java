package com.gptdesk.chat.policies;

import com.gptdesk.chat.database.migration.Platform;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * A way to the chat's data that the chat did not create ({@code db/exposures.sql}).
 *
 * @param id its id in the file of accepted changes
 * @param the exposure as a sentence
 * @param remedy what a DBA should do
 */
record Exposure(String id, String what, String remedy) {

  /**
   * All exposures to roles that must be subject to the policies.
   *
   * @param connection of any role, in a transaction; its search path is unchanged
   * @param ours names of the chat's tables and functions in schema public
   */
  static List<Exposure> of(Connection connection, Platform platform, Set<String> ours)
      throws SQLException {
    List<Exposure> exposures = new ArrayList<>();
    try (Statement statement = connection.createStatement();
        PreparedStatement settings =
            connection.prepareStatement(
                "select set_config('search_path', 'pg_catalog', true),"
                    + " set_config('chat.platform', ?, true), set_config('chat.ours', ?, true)")) {
      statement.execute("savepoint exposures");
      settings.setString(1, platform.toString());
      settings.setString(2, String.join(",", ours));
      settings.execute();
      try (ResultSet rows = statement.executeQuery(query())) {
        while (rows.next()) {
          exposures.add(
              new Exposure(rows.getString("id"), rows.getString("what"), rows.getString("remedy")));
        }
      }
      statement.execute("rollback to savepoint exposures; release savepoint exposures");
    }
    return exposures;
  }

  private static String query() {
    try (InputStream file = Exposure.class.getResourceAsStream("/db/exposures.sql")) {
      if (file == null) {
        throw new FileNotFoundException("db/exposures.sql is not on the class path");
      }
      return new String(file.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
