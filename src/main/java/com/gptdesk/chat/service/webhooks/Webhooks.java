package com.gptdesk.chat.service.webhooks;

import com.gptdesk.chat.database.connection.Login;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Objects;
import org.jooq.DSLContext;
import org.jooq.SQLDialect;
import org.jooq.exception.DataAccessException;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** The webhooks as the database's owner manages them, by the functions that platforms call, too. */
public final class Webhooks implements AutoCloseable {
  private final Connection connection;
  private final DSLContext owner;

  private Webhooks(Connection connection) {
    this.connection = connection;
    this.owner = DSL.using(connection, SQLDialect.POSTGRES);
  }

  /**
   * Opens a connection.
   *
   * @param login the one that owns the database
   * @throws IllegalStateException the database has no webhooks yet, and what to do
   */
  public static Webhooks of(Login login) throws SQLException {
    Webhooks webhooks = new Webhooks(login.connect());
    if (webhooks.owner.fetchValue("select to_regclass('chat.webhooks')") == null) {
      webhooks.close();
      throw new IllegalStateException(
          "Webhooks are not in this database yet: run the command migrate first.");
    }
    return webhooks;
  }

  /**
   * Adds one.
   *
   * @param team the id of a team; null for all
   * @param rate posts a second
   * @return the secret
   * @throws IllegalStateException it cannot be stored, and why
   */
  public String add(
      String name,
      String url,
      String[] tables,
      String[] operations,
      @Nullable String team,
      int rate) {
    return ask(
        "select chat.add_webhook(?, ?, ?::text[], ?::text[], ?::uuid, ?)",
        name,
        url,
        tables,
        operations,
        team,
        rate);
  }

  /** Removes one; returns how many events were never acknowledged. */
  public long remove(String name) {
    return Long.parseLong(ask("select chat.remove_webhook(?)::text", name));
  }

  /** Stops posting, or goes on; true when this changed anything. */
  public boolean pause(String name, boolean paused) {
    return Boolean.parseBoolean(ask("select chat.pause_webhook(?, ?)::text", name, paused));
  }

  /** Queues an event of type TEST; returns its {@code webhook-id}. */
  public String test(String name) {
    return ask("select chat.test_webhook(?)", name);
  }

  /** Makes a new secret; the former signs, too. */
  public String rotate(String name) {
    return ask("select chat.rotate_webhook_secret(?)", name);
  }

  /** Forgets the former secret; false when there was none. */
  public boolean endRotation(String name) {
    return Boolean.parseBoolean(ask("select chat.end_webhook_rotation(?)::text", name));
  }

  /** Has dead letters posted again: one, or all when the id is null. */
  public long retry(String name, @Nullable String messageId) {
    return Long.parseLong(ask("select chat.retry_dead_letters(?, ?)::text", name, messageId));
  }

  /** A table for people. */
  public String states() {
    return owner
        .fetch(
            """
            select name, url, array_to_string(tables, ',') as tables, active, waiting, dead, oldest_at, last_error
            from chat.webhook_states
            order by name
            """)
        .format();
  }

  /** A table for people, without the rows, whose texts are not for the screen. */
  public String deadLetters(@Nullable String name) {
    return owner
        .fetch(
            """
            select webhook, message_id, dead_at, tries, operation, table_name, conversation_id, last_error
            from chat.dead_letters
            where ?::text is null or webhook = ?
            order by dead_at desc
            limit 100
            """,
            name,
            name)
        .format();
  }

  private String ask(String sql, @Nullable Object... values) {
    try {
      return Objects.toString(owner.fetchValue(sql, values));
    } catch (DataAccessException e) {
      PSQLException refusal = e.getCause(PSQLException.class);
      ServerErrorMessage said = refusal == null ? null : refusal.getServerErrorMessage();
      if (said != null && String.valueOf(said.getSQLState()).matches("PT\\d{3}|22P02")) {
        throw new IllegalStateException(
            said.getHint() == null ? said.getMessage() : said.getMessage() + " " + said.getHint());
      }
      throw e;
    }
  }

  @Override
  public void close() {
    try {
      connection.close();
    } catch (SQLException e) {
      throw new IllegalStateException("The connection could not be closed", e);
    }
  }
}
