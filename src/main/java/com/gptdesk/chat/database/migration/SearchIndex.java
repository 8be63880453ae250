package com.gptdesk.chat.database.migration;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The index of {@code search_messages} in a database that had messages before this version.
 *
 * <p>A migration makes it for the partitioned table alone. This makes it for each partition,
 * concurrently, so that nobody who writes waits; then it drops the former index. Until then a
 * search finds a person's messages by the former index and reads the text of each.
 *
 * <p>Its comment tells of which version ({@code chat.search_version}) its entries are. Where the
 * functions that make them have changed since, this makes it anew, in the same way. Whatever
 * interrupts this, the next {@code migrate} continues it.
 */
final class SearchIndex {

  private static final Logger LOG = LoggerFactory.getLogger(SearchIndex.class);
  private static final Duration PAUSE = Duration.ofMillis(200);

  /** Of the session, so that one process makes it: the letters of "search". */
  private static final String LOCK = "x'736561726368'::bigint";

  private static final String HAS_FORMER =
      "select to_regclass('public.former_content_search_idx') is not null";

  /** An earlier version's functions are asked by the tests of an upgrade alone. */
  private static final String HAS_VERSIONS =
      "select to_regprocedure('chat.search_index_is_current()') is not null";

  private static final String IS_CURRENT = "select chat.search_index_is_current()";

  private static final String VERSION = "'search_messages, version ' || chat.search_version()";

  /** The newest first: what people look for most. */
  private static final String WITHOUT_INDEX =
      """
      select c.relname
      from pg_catalog.pg_inherits i
      join pg_catalog.pg_class c on c.oid = i.inhrelid
      where i.inhparent = 'public.user_messages'::regclass
        and not exists (
          select
          from pg_catalog.pg_index x
          join pg_catalog.pg_inherits h on h.inhrelid = x.indexrelid
          where x.indrelid = c.oid
            and h.inhparent = 'public.idx_user_messages_content_search'::regclass)
      order by c.relname desc
      """;

  /** Indexes of partitions whose entries may be of an earlier version, the newest first. */
  private static final String OF_EARLIER_VERSION =
      """
      select x.indexrelid::regclass::text
      from pg_catalog.pg_inherits h
      join pg_catalog.pg_index x on x.indexrelid = h.inhrelid
      where h.inhparent = 'public.idx_user_messages_content_search'::regclass
        and obj_description(x.indexrelid, 'pg_class') is distinct from %s
      order by x.indrelid::regclass::text desc
      """
          .formatted(VERSION);

  /** What an attempt that was interrupted has left. */
  private static final String LEFT_BEHIND =
      """
      select x.indexrelid::regclass::text
      from pg_catalog.pg_index x
      join pg_catalog.pg_class c on c.oid = x.indexrelid
      join pg_catalog.pg_inherits i on i.inhrelid = x.indrelid
      where i.inhparent = 'public.user_messages'::regclass
        and not x.indisvalid
        and c.relname ~ '_cc(new|old)[0-9]*$'
      """;

  private final MigrationLogin login;
  private final Duration patience;

  SearchIndex(MigrationLogin login, Duration patience) {
    this.login = login;
    this.patience = patience;
  }

  /**
   * Makes what is missing; does nothing when the index is complete.
   *
   * @throws IllegalStateException others held what it needs for too long; what is done stays done
   */
  void complete() {
    try (Connection connection = login.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(true);
      if (!isPending(statement)) {
        return;
      }
      // It waits for transactions that are open, however long they last: nobody waits for it.
      statement.execute(
          "set client_min_messages = warning; set statement_timeout = 0; set lock_timeout = 0; set search_path = pg_catalog, pg_temp");
      if (!isTrue(statement, "select pg_try_advisory_lock(" + LOCK + ")")) {
        LOG.info("Another process makes the index of search_messages");
        return;
      }
      try {
        if (isTrue(statement, HAS_FORMER)) {
          indexPartitions(statement);
          dropFormer(connection, statement);
        }
        if (!isTrue(statement, IS_CURRENT)) {
          renewPartitions(statement);
          LOG.info("The index of search_messages is complete");
        }
      } finally {
        statement.execute("select pg_advisory_unlock(" + LOCK + ")");
      }
    } catch (SQLException e) {
      throw new IllegalStateException(
          "The index of search_messages is not complete: %s. Searches work, more slowly; call migrate again."
              .formatted(e.getMessage()),
          e);
    }
  }

  private static boolean isPending(Statement statement) throws SQLException {
    return isTrue(statement, HAS_FORMER)
        || (isTrue(statement, HAS_VERSIONS) && !isTrue(statement, IS_CURRENT));
  }

  private void indexPartitions(Statement statement) throws SQLException {
    // Those that are made meanwhile have it from the beginning.
    oneByOne(statement, WITHOUT_INDEX, partition -> index(statement, partition));
  }

  /** Of those that are made meanwhile, too: their entries may be from before the migration. */
  private void renewPartitions(Statement statement) throws SQLException {
    for (String index : names(statement, LEFT_BEHIND)) {
      statement.execute("drop index concurrently " + index);
    }
    oneByOne(statement, OF_EARLIER_VERSION, index -> renew(statement, index));
    setVersion(statement, "public.idx_user_messages_content_search");
  }

  /** Something to do with each of those, until there are none. */
  private void oneByOne(Statement statement, String query, Step step) throws SQLException {
    long deadline = System.nanoTime() + patience.toNanos();
    for (List<String> left = names(statement, query);
        !left.isEmpty();
        left = names(statement, query)) {
      String one = left.getFirst();
      LOG.info(
          "Making the index of search_messages for {}, beside whoever writes; partitions left: {}",
          one,
          left.size());
      try {
        step.with(one);
        deadline = System.nanoTime() + patience.toNanos();
      } catch (SQLException e) {
        if (!isOfOthers(e) || System.nanoTime() - deadline > 0) {
          throw e;
        }
        LOG.warn("Others hold {}, or have dropped it; trying again", one);
        Migrations.pause(PAUSE);
      }
    }
  }

  /** What is done with one partition. */
  @FunctionalInterface
  private interface Step {
    void with(String name) throws SQLException;
  }

  private static void renew(Statement statement, String index) throws SQLException {
    statement.execute("set lock_timeout = 0");
    List<String> tables =
        names(
            statement,
            "select x.indrelid::regclass::text from pg_catalog.pg_index x where x.indexrelid = to_regclass('%s')"
                .formatted(index));
    // Whoever writes after the migration has the functions of today.
    if (!tables.isEmpty()
        && isTrue(statement, "select exists (select from %s)".formatted(tables.getFirst()))) {
      statement.execute("reindex index concurrently " + index);
    }
    setVersion(statement, index);
  }

  private static void setVersion(Statement statement, String index) throws SQLException {
    String version = names(statement, "select " + VERSION).getFirst();
    statement.execute("set lock_timeout = '500ms'");
    statement.execute("comment on index %s is '%s'".formatted(index, version));
  }

  private static void index(Statement statement, String partition) throws SQLException {
    statement.execute("set lock_timeout = 0");
    String index = partition + "_find_idx";
    String state =
        "select exists (select from pg_catalog.pg_index i where i.indexrelid = to_regclass('chat.%s') and %s)";
    if (isTrue(statement, state.formatted(index, "not i.indisvalid"))) {
      statement.execute("drop index concurrently chat." + index); // of one that was interrupted
    }
    if (!isTrue(statement, state.formatted(index, "i.indisvalid"))) {
      statement.execute(
          "create index concurrently %s on chat.%s using gin (chat.search_terms(content, file_name, sender_id, recipient_id))"
              .formatted(index, partition));
    }
    statement.execute("set lock_timeout = '500ms'");
    statement.execute(
        "alter index public.idx_user_messages_content_search attach partition chat." + index);
    setVersion(statement, "chat." + index);
  }

  private void dropFormer(Connection connection, Statement statement) throws SQLException {
    connection.setAutoCommit(false);
    try {
      TableLocks.take(connection, patience);
      statement.execute("drop index public.former_content_search_idx");
      statement.execute("drop function chat.search_terms(text, uuid, uuid)");
      connection.commit();
    } finally {
      connection.rollback(); // nothing, when it has committed
      connection.setAutoCommit(true);
    }
  }

  /** A lock, a deadlock, a partition that retention dropped. */
  private static boolean isOfOthers(SQLException e) {
    return switch (String.valueOf(e.getSQLState())) {
      case "55P03", "40P01", "42P01" -> true;
      default -> false;
    };
  }

  private static boolean isTrue(Statement statement, String query) throws SQLException {
    try (ResultSet row = statement.executeQuery(query)) {
      row.next();
      return row.getBoolean(1);
    }
  }

  private static List<String> names(Statement statement, String query) throws SQLException {
    List<String> names = new ArrayList<>();
    try (ResultSet row = statement.executeQuery(query)) {
      while (row.next()) {
        names.add(row.getString(1));
      }
    }
    return names;
  }
}
