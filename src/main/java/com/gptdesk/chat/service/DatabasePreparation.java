package com.gptdesk.chat.service;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.ServiceLogin;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.internal.chat.Routines;
import com.gptdesk.chat.database.migration.Drift;
import com.gptdesk.chat.database.migration.Migrations;
import com.gptdesk.chat.database.migration.Migrations.Platform;
import com.gptdesk.chat.database.migration.Precondition;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Brings a database to where this version serves it, or says why it is not served. */
final class DatabasePreparation {

  private static final Logger LOG = LoggerFactory.getLogger(DatabasePreparation.class);

  private DatabasePreparation() {}

  /**
   * Migrated where the service may, and as the policies need it.
   *
   * @param served names of functions that are served beside the chat's own
   * @throws IllegalStateException it is not served, and what to do
   */
  static Migrations prepare(
      DatabaseSource database,
      @Nullable Platform platform,
      DatabaseSettings settings,
      List<String> served,
      boolean demo)
      throws IOException {
    Migrations migrations =
        Migrations.of(database.ownerOrService(), platform)
            .accepting(settings.acceptedThings())
            .serving(served);
    bringUpToDate(database, migrations, settings, demo);
    demandContract(migrations, settings.refuseDrift());
    ServiceLogin.verify(database.service());
    return migrations;
  }

  /** Migrates where there is an owner; else refuses a database that is behind. */
  private static void bringUpToDate(
      DatabaseSource database, Migrations migrations, DatabaseSettings settings, boolean demo)
      throws IOException {
    Login owner = database.owner();
    if (owner == null) {
      List<String> differences = migrations.differences();
      if (!differences.isEmpty()) {
        throw new IllegalStateException(
            "The database is not where this version needs it; run the command migrate as its owner.\n"
                + String.join("\n", differences));
      }
      return;
    }
    int applied = migrations.migrate();
    if (applied > 0) {
      LOG.info("Applied {} migrations", applied);
    }
    write(migrations, settings);
    database.admitService();
    if (demo) {
      seed(owner);
    }
  }

  /** What the environment sets in {@code chat.settings}; the rest stays as it stands there. */
  static void write(Migrations migrations, DatabaseSettings settings) {
    migrations.write(
        settings.maxMessageLength(), settings.typingTimeout(), settings.claimsSecret());
  }

  /** A service that signs with another secret than the database knows would be nobody. */
  static void demandClaims(ChatDatabase chat) {
    if (!chat.reading(Caller.service(), tx -> Routines.claimsHold(tx.configuration()))) {
      throw new IllegalStateException(
          "The database believes signed claims alone (chat.settings.claims_secret), and not this service's: set CHAT_CLAIMS_SECRET to the same secret, and the clocks right.");
    }
  }

  /**
   * What people of one team, or policies, rely on that is not ours; and what was changed by hand.
   */
  private static void demandContract(Migrations migrations, boolean refuseDrift) {
    List<Precondition> unmet = migrations.preconditions();
    unmet.stream()
        .filter(precondition -> precondition.kind() == Precondition.Kind.WARNING)
        .forEach(warning -> LOG.warn("{}", warning));
    List<String> unsafe =
        unmet.stream()
            .filter(precondition -> precondition.kind() == Precondition.Kind.UNSAFE)
            .map(Precondition::toString)
            .toList();
    if (!unsafe.isEmpty()) {
      throw new IllegalStateException(
          "This database is not served: its policies would not hold. Mend it, or name what is meant so in the file of CHAT_ACCEPTED.\n"
              + String.join("\n", unsafe));
    }
    List<Drift> drift = migrations.drift();
    if (refuseDrift && !drift.isEmpty()) {
      throw new IllegalStateException(
          "This database is not served (CHAT_REFUSE_DRIFT): it is not as the migrations made it. Mend it, or name what is meant so in the file of CHAT_ACCEPTED.\n"
              + drift.stream().map(Drift::toString).collect(Collectors.joining("\n")));
    }
    drift.forEach(cause -> LOG.warn("Not as the migrations made it: {}", cause));
  }

  /** The demo's people, added when they are not there. */
  private static void seed(Login owner) throws IOException {
    try (InputStream script = DatabasePreparation.class.getResourceAsStream("/db/demo.sql")) {
      if (script == null) {
        throw new IllegalStateException("db/demo.sql is not on the class path");
      }
      String sql = new String(script.readAllBytes(), StandardCharsets.UTF_8);
      try (Connection connection = owner.connect();
          Statement statement = connection.createStatement()) {
        connection.setAutoCommit(false);
        statement.execute(sql);
        connection.commit();
      } catch (SQLException e) {
        throw new IllegalStateException("Could not add the people of the demo", e);
      }
    }
  }
}
