package com.gptdesk.chat.service;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.ServiceLogin;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.internal.chat.Routines;
import com.gptdesk.chat.database.migration.Drift;
import com.gptdesk.chat.database.migration.Migrations;
import com.gptdesk.chat.database.migration.Platform;
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

/** Prepares a database for this version, or reports why it cannot be served. */
final class DatabasePreparation {

  private static final Logger LOG = LoggerFactory.getLogger(DatabasePreparation.class);

  private DatabasePreparation() {}

  /**
   * Migrates where the service may, and checks what the policies rely on.
   *
   * @param served names of functions that are served beside the chat's own
   * @throws IllegalStateException the database cannot be served; the message says what to do
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

  /** Migrates when the owner's login is known; otherwise refuses a database that is behind. */
  private static void bringUpToDate(
      DatabaseSource database, Migrations migrations, DatabaseSettings settings, boolean demo)
      throws IOException {
    Login owner = database.owner();
    if (owner == null) {
      List<String> differences = migrations.differences();
      if (!differences.isEmpty()) {
        throw new IllegalStateException(
            "The database is not at this version's migrations; run the command migrate as its owner.\n"
                + String.join("\n", differences));
      }
      return;
    }
    int applied = migrations.migrate();
    if (applied > 0) {
      LOG.info("Applied {} migrations", applied);
    }
    settings.stored().write(owner);
    database.admitService();
    if (demo) {
      seed(owner);
    }
  }

  /** The database rejects claims that are signed with another secret than its own. */
  static void demandClaims(ChatDatabase chat) {
    if (!chat.reading(Caller.service(), tx -> Routines.claimsHold(tx.configuration()))) {
      throw new IllegalStateException(
          "The database accepts only signed claims (chat.settings.claims_secret), and rejects those of this service: set CHAT_CLAIMS_SECRET to the same secret, and check both clocks.");
    }
  }

  /** Checks what policies rely on outside the chat, and what was changed by hand. */
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
          "This database is not served, because its policies would not hold. Repair it, or list intended changes in the file of CHAT_ACCEPTED.\n"
              + String.join("\n", unsafe));
    }
    List<Drift> drift = migrations.drift();
    List<Drift> refused = drift.stream().filter(cause -> !cause.isBeingMade()).toList();
    if (refuseDrift && !refused.isEmpty()) {
      throw new IllegalStateException(
          "This database is not served (CHAT_REFUSE_DRIFT), because it differs from the migrations. Repair it, or list intended changes in the file of CHAT_ACCEPTED.\n"
              + refused.stream().map(Drift::toString).collect(Collectors.joining("\n")));
    }
    drift.forEach(cause -> LOG.warn("The database differs from the migrations: {}", cause));
  }

  /** Adds the demo's people when they are missing. */
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
