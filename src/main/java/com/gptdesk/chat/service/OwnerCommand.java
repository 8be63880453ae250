package com.gptdesk.chat.service;

import com.gptdesk.chat.database.connection.Login;
import java.io.IOException;
import java.sql.SQLException;

/** What an operator's command does as the login that owns the database, served meanwhile or not. */
final class OwnerCommand {

  /** Opens what the command works with. */
  @FunctionalInterface
  interface Opening<T extends AutoCloseable> {
    T of(Login owner) throws SQLException;
  }

  /** The command's own work. */
  @FunctionalInterface
  interface Work<T> {
    void with(T opened) throws IOException;
  }

  private OwnerCommand() {}

  /** Does the work and closes what was opened; returns the exit code. */
  @SuppressWarnings("try") // closing none of them waits
  static <T extends AutoCloseable> int run(Opening<T> opening, Work<T> work) throws Exception {
    try (DatabaseSource database =
            DatabaseSource.openOrJoin(Config.of(System.getenv()).database());
        T opened = opening.of(database.requireOwner())) {
      work.with(opened);
    }
    return 0;
  }

  /** Prints whether something is in this state now, or was before. */
  static void say(String what, String state, boolean isNew) {
    System.out.println(what + (isNew ? " is %s now." : " was %s already.").formatted(state));
  }
}
