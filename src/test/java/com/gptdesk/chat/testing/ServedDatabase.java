package com.gptdesk.chat.testing;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.migration.Migrations;
import com.gptdesk.chat.database.migration.Platform;
import com.gptdesk.chat.service.auth.TokenIssuer;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A {@link TestServer} for a service in another process: migrated, with the demo's people. Prints
 * one line of JSON, with the settings of that service and everybody's tokens, and ends with its
 * standard input. Called by {@code src/test/node/database.js}.
 */
final class ServedDatabase {
  private static final String SECRET = "of the clients' tests, more than 32 bytes";
  private static final Duration TOKEN_LIFE = Duration.ofHours(12);

  private ServedDatabase() {}

  public static void main(String[] arguments) throws Exception {
    try (TestServer server = TestServer.start(arguments[0], true)) {
      Migrations.of(server.owner(), Platform.STANDALONE).migrate();
      server.admitService();
      String said = describe(server).toString() + "\n";
      System.out.write(said.getBytes(StandardCharsets.UTF_8));
      System.out.flush();
      System.in.transferTo(OutputStream.nullOutputStream());
    }
    System.exit(0); // drivers keep threads of their own
  }

  private static ObjectNode describe(TestServer server) throws Exception {
    Login service = server.service();
    var tokens = new TokenIssuer(SECRET);
    ObjectNode description = JsonMapper.shared().createObjectNode();
    ObjectNode settings = description.putObject("settings");
    Map.of(
            "CHAT_DATABASE_URL", service.url(),
            "CHAT_DATABASE_USER", service.user(),
            "CHAT_DATABASE_PASSWORD", service.password(),
            "CHAT_JWT_SECRET", SECRET)
        .forEach(settings::put);
    description.put("anonKey", tokens.anonKey());
    ArrayNode users = description.putArray("users");
    try (Connection connection = server.owner().connect();
        Statement statement = connection.createStatement();
        InputStream demo = ServedDatabase.class.getResourceAsStream("/db/demo.sql")) {
      statement.execute(
          new String(Objects.requireNonNull(demo).readAllBytes(), StandardCharsets.UTF_8));
      try (ResultSet people =
          statement.executeQuery("select id, full_name, team_id from public.users")) {
        while (people.next()) {
          UUID id = people.getObject("id", UUID.class);
          users
              .addObject()
              .put("id", id.toString())
              .put("full_name", people.getString("full_name"))
              .put("team_id", people.getString("team_id"))
              .put("token", tokens.forUser(id, TOKEN_LIFE));
        }
      }
    }
    return description;
  }
}
