package com.gptdesk.chat.spring;

import com.gptdesk.chat.database.ServiceLogin;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.migration.Migrations;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has brought the database to where this version needs it when it is made, and has verified the
 * login. Beans that use the chat depend on it.
 */
final class ChatMigration {

  private static final Logger LOG = LoggerFactory.getLogger(ChatMigration.class);

  private static final String LOGIN_IF_NO_MEMBER =
      "select quote_ident(session_user) where not pg_has_role(session_user, 'chat_service', 'usage')";

  ChatMigration(ChatLogins logins) {
    Login owner = logins.owner();
    if (owner == null) {
      demandMigrated(logins);
    } else {
      migrate(owner, logins);
    }
    ServiceLogin.verify(logins.dataSource());
  }

  private static void migrate(Login owner, ChatLogins logins) {
    ChatProperties.Migration settings = logins.properties().migration();
    int applied = Migrations.of(owner, settings.platform()).migrate();
    LOG.info("Applied {} migrations of the chat as {}", applied, owner);
    if (settings.admitLogin()) {
      admit(owner, logins);
    }
  }

  private static void demandMigrated(ChatLogins logins) {
    List<String> differences =
        Migrations.of(logins.dataSource(), logins.properties().migration().platform())
            .differences();
    if (!differences.isEmpty()) {
      throw new IllegalStateException(
          "The database is not at the chat's migrations. Name its owner (gptdesk.chat.migration.username and gptdesk.chat.migration.password), or migrate it before the start.\n"
              + String.join("\n", differences));
    }
  }

  private static void admit(Login owner, ChatLogins logins) {
    String login = "";
    try (Connection connection = logins.dataSource().getConnection();
        Statement statement = connection.createStatement();
        ResultSet found = statement.executeQuery(LOGIN_IF_NO_MEMBER)) {
      if (!found.next()) {
        return;
      }
      login = found.getString(1);
      try (Connection admitting = owner.connect();
          Statement grant = admitting.createStatement()) {
        grant.execute("grant chat_service to " + login);
      }
      LOG.info("Made {} a member of chat_service", login);
    } catch (SQLException e) {
      throw new IllegalStateException(
          "Could not make the data source's login a member of chat_service; as who may: grant chat_service to %s"
              .formatted(login),
          e);
    }
  }
}
