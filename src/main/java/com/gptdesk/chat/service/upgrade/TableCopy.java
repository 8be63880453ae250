package com.gptdesk.chat.service.upgrade;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;
import org.postgresql.copy.CopyManager;
import org.postgresql.copy.CopyOut;

/**
 * Copies all rows from one database to another with the same tables, in one snapshot and one
 * transaction, then compares both. Triggers do not fire. Foreign keys are checked at the end.
 *
 * <p>UNLOGGED tables and the schema {@code relay} stay as the migrations made them: they are the
 * change log, which every crash empties too. Relays notice its new epoch, and clients catch up.
 */
final class TableCopy {

  /** So that both servers write the same values in the same way. */
  private static final String SAME_TEXTS =
      "set timezone = 'UTC'; set datestyle = 'ISO, MDY'; set intervalstyle = 'postgres';"
          + " set bytea_output = 'hex'; set extra_float_digits = 1; set statement_timeout = 0;"
          + " set row_security = off; set search_path = ''";

  /** The tables with rows of their own; partitions rather than what they are parts of. */
  private static final String TABLES =
      """
      select format('%I.%I', n.nspname, c.relname),
        (select string_agg(quote_ident(a.attname), ', ' order by a.attname)
         from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '')
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and c.relpersistence = 'p'
        and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'relay')
        and (n.nspname, c.relname) <> ('chat', 'flyway_history')
      order by 1
      """;

  private static final String SEQUENCES =
      """
      select format('%I.%I', schemaname, sequencename)
      from pg_sequences
      where schemaname !~ '^pg_' and schemaname not in ('information_schema', 'relay')
      order by 1
      """;

  private static final String PARTITIONS =
      """
      select to_date(substring(c.relname from '\\d{4}_\\d{2}$'), 'YYYY_MM')
      from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = 'public.user_messages'::regclass
      order by 1
      """;

  /** For each foreign key a query that finds a row whose other end is missing. */
  private static final String FOREIGN_KEYS =
      """
      select format('%s of %s', k.conname, k.conrelid::regclass),
        format('select exists (select from %s c where %s and not exists (select from %s p where %s))',
          k.conrelid::regclass,
          (select string_agg(format('c.%I is not null', a.attname), ' and ')
           from unnest(k.conkey) n join pg_attribute a on a.attrelid = k.conrelid and a.attnum = n),
          k.confrelid::regclass,
          (select string_agg(format('p.%I = c.%I', p.attname, c.attname), ' and ')
           from unnest(k.conkey, k.confkey) n (child, parent)
           join pg_attribute c on c.attrelid = k.conrelid and c.attnum = n.child
           join pg_attribute p on p.attrelid = k.confrelid and p.attnum = n.parent))
      from pg_constraint k
      where k.contype = 'f' and k.conparentid = 0 and k.convalidated
      order by 1
      """;

  private final Connection old;
  private final Connection fresh;

  /**
   * Between two databases that nobody else uses.
   *
   * @param old a superuser's connection to the database to be read
   * @param fresh a superuser's connection to the migrated one without people
   */
  TableCopy(Connection old, Connection fresh) {
    this.old = old;
    this.fresh = fresh;
  }

  /** One table and the columns that both databases store. */
  private record Table(String name, String columns) {}

  /** Makes the partitions that the old database has: their rows are copied one by one. */
  void makePartitions() throws SQLException {
    List<String> months = texts(old, PARTITIONS);
    run(
        fresh,
        "select chat.create_message_partitions(array[%s]::date[])"
            .formatted(
                String.join(", ", months.stream().map(month -> "'" + month + "'").toList())));
  }

  /**
   * Copies the rows and the sequences.
   *
   * @return how many rows
   * @throws IllegalStateException the two are not the same afterwards; nothing was stored
   */
  long copy() throws SQLException {
    run(old, SAME_TEXTS);
    run(fresh, SAME_TEXTS + "; set session_replication_role = replica");
    old.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
    old.setReadOnly(true);
    old.setAutoCommit(false);
    fresh.setAutoCommit(false);
    List<Table> tables = common();
    for (Table table : tables) { // what the migrations have stored
      run(fresh, "delete from " + table.name());
    }
    long rows = 0;
    for (Table table : tables) {
      rows += copy(table);
    }
    for (String sequence : texts(old, SEQUENCES)) {
      for (String set :
          texts(
              old,
              "select format('select setval(%%L, %%s, %%L)', '%s', last_value, is_called) from %s"
                  .formatted(sequence.replace("'", "''"), sequence))) {
        run(fresh, set);
      }
    }
    for (Table table : tables) {
      compare(table);
    }
    checkForeignKeys();
    fresh.commit();
    old.rollback();
    fresh.setAutoCommit(true);
    run(fresh, "reset session_replication_role");
    run(fresh, "vacuum (analyze)");
    return rows;
  }

  /** Tables of both; what only the old one has was refused, or is left behind. */
  private List<Table> common() throws SQLException {
    List<Table> there = tables(fresh);
    List<Table> common = new ArrayList<>();
    for (Table table : tables(old)) {
      there.stream()
          .filter(other -> other.name().equals(table.name()))
          .findFirst()
          .ifPresent(other -> common.add(other));
    }
    return common;
  }

  private static List<Table> tables(Connection connection) throws SQLException {
    List<Table> tables = new ArrayList<>();
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(TABLES)) {
      while (rows.next()) {
        tables.add(new Table(rows.getString(1), rows.getString(2)));
      }
    }
    return tables;
  }

  private long copy(Table table) throws SQLException {
    String named = table.name() + " (" + table.columns() + ")";
    CopyManager source = old.unwrap(PGConnection.class).getCopyAPI();
    CopyManager target = fresh.unwrap(PGConnection.class).getCopyAPI();
    CopyOut out = source.copyOut("copy " + named + " to stdout");
    CopyIn in = target.copyIn("copy " + named + " from stdin");
    for (byte[] row = out.readFromCopy(); row != null; row = out.readFromCopy()) {
      in.writeToCopy(row, 0, row.length);
    }
    return in.endCopy();
  }

  private void compare(Table table) throws SQLException {
    String query =
        "select count(*) || ' rows, checksum ' || coalesce(sum(('x' || substr(pg_catalog.md5(r::text), 1, 15))::bit(60)::bigint), 0) from (select %s from %s) r"
            .formatted(table.columns(), table.name());
    String before = texts(old, query).getFirst();
    String after = texts(fresh, query).getFirst();
    if (!before.equals(after)) {
      throw new IllegalStateException(
          "%s is not the same after the copy: %s before, %s after. The old files are unchanged."
              .formatted(table.name(), before, after));
    }
  }

  private void checkForeignKeys() throws SQLException {
    List<String> broken = new ArrayList<>();
    try (Statement statement = fresh.createStatement();
        ResultSet keys = statement.executeQuery(FOREIGN_KEYS)) {
      while (keys.next()) {
        if (texts(fresh, keys.getString(2)).getFirst().equals("t")) {
          broken.add(keys.getString(1));
        }
      }
    }
    if (!broken.isEmpty()) {
      throw new IllegalStateException(
          "Rows refer to rows that are not there, in the old database as well: %s. Repair it with the earlier version. The old files are unchanged."
              .formatted(String.join(", ", broken)));
    }
  }

  private static List<String> texts(Connection connection, String query) throws SQLException {
    List<String> texts = new ArrayList<>();
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(query)) {
      while (rows.next()) {
        texts.add(rows.getString(1));
      }
    }
    return texts;
  }

  private static void run(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
