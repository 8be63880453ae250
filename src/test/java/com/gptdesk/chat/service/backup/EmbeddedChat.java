package com.gptdesk.chat.service.backup;

import com.gptdesk.chat.client.UserChat;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.embedded.EmbeddedDatabase;
import com.gptdesk.chat.database.migration.Migrations;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;

/** The demo's people on an embedded database, as they write and as an operator looks. */
public final class EmbeddedChat {

  public static final UUID ALICE = UUID.fromString("00000000-0000-4000-a000-00000000000a");
  public static final UUID BOB = UUID.fromString("00000000-0000-4000-a000-00000000000b");

  private EmbeddedChat() {}

  /** Migrates and adds the people. */
  public static void prepare(EmbeddedDatabase database) throws Exception {
    Migrations.of(database.owner(), null).migrate();
    database.admitService();
    try (InputStream demo = EmbeddedChat.class.getResourceAsStream("/db/demo.sql")) {
      run(
          database.owner(),
          new String(Objects.requireNonNull(demo).readAllBytes(), StandardCharsets.UTF_8));
    }
  }

  /** Alice, by the runtime login, with a new connection for each call. */
  public static UserChat alice(EmbeddedDatabase database) {
    return new UserChat(new ChatDatabase(database.service().dataSource()), ALICE);
  }

  public static void run(Login login, String sql) throws SQLException {
    try (Connection connection = login.connect();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  public static List<String> read(Login login, String query) throws SQLException {
    List<String> texts = new ArrayList<>();
    try (Connection connection = login.connect();
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(query)) {
      while (rows.next()) {
        texts.add(rows.getString(1));
      }
    }
    return texts;
  }
}
