package com.gptdesk.chat.database.migration;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.testing.TestDatabase;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * In a rolling upgrade nodes of an earlier version serve on, on the schema of this one. They can
 * use no more than that version granted, so all of it must still be there: each function with its
 * parameters and the columns of its result, and each right to a column.
 *
 * <p>What a node calls otherwise than before is seen by {@code scripts/rolling-upgrade}, with the
 * earlier version itself.
 */
class EarlierNodesTest {

  /** Helpers that only other functions of their version call, never a node. */
  private static final Set<String> CALLED_BY_FUNCTIONS =
      Set.of("chat.demand_me", "chat.page", "chat.people", "chat.search_terms");

  private static final String FUNCTIONS =
      """
      select
        r.role,
        format('%I.%I', n.nspname, p.proname),
        array(select format_type(t.type, null) from unnest(p.proargtypes) with ordinality t (type, place) order by t.place),
        coalesce(p.proargnames[1:p.pronargs], '{}'),
        p.pronargs - p.pronargdefaults
      from pg_proc p
      join pg_namespace n on n.oid = p.pronamespace
      cross join unnest(array['anon', 'authenticated', 'service_role', 'chat_relay', 'chat_service']) r (role)
      where n.nspname in ('public', 'chat', 'relay')
        and p.prokind = 'f'
        and p.prorettype <> 'trigger'::regtype
        and has_schema_privilege(r.role, n.oid, 'usage')
        and has_function_privilege(r.role, p.oid, 'execute')
      order by 2, 1
      """;

  private static final String RIGHTS =
      """
      select format('%s may %s %I.%I.%I, %s', r.role, p.privilege, n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod))
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      cross join unnest(array['anon', 'authenticated', 'service_role', 'chat_relay', 'chat_service']) r (role)
      cross join unnest(array['select', 'insert', 'update']) p (privilege)
      where n.nspname in ('public', 'chat', 'relay')
        and c.relkind in ('r', 'p', 'v')
        and not c.relispartition
        and has_column_privilege(r.role, c.oid, a.attnum, p.privilege)
      """;

  private final TestDatabase database = TestDatabase.empty();

  @AfterEach
  void close() {
    database.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {EarlierVersion.FIRST, EarlierVersion.SHAPED_STATEMENTS})
  void allThatTheyUseIsStillThere(String earlier, @TempDir Path folder) throws Exception {
    EarlierVersion.make(database, earlier, folder);
    Map<Call, Map<String, String>> calls = new LinkedHashMap<>();
    Set<String> rights;
    try (Connection connection = database.service().connect()) {
      for (Call call : calls(connection)) {
        if (!CALLED_BY_FUNCTIONS.contains(call.function())) {
          calls.put(call, call.result(connection));
        }
      }
      rights = rights(connection);
    }
    assertTrue(calls.size() > 60, () -> calls.size() + " calls");
    assertTrue(rights.size() > 60, () -> rights.size() + " rights");
    Migrations.of(database.owner(), null).migrate();

    Set<String> gone = new TreeSet<>();
    try (Connection connection = database.service().connect()) {
      calls.forEach((call, result) -> call.missing(connection, result).ifPresent(gone::add));
      rights.removeAll(rights(connection));
    }
    gone.addAll(rights);
    assertEquals(Set.of(), gone);
  }

  private static List<Call> calls(Connection connection) throws SQLException {
    List<Call> calls = new ArrayList<>();
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(FUNCTIONS)) {
      while (row.next()) {
        calls.add(
            new Call(
                row.getString(1),
                row.getString(2),
                List.of((String[]) row.getArray(3).getArray()),
                List.of((String[]) row.getArray(4).getArray()),
                row.getInt(5)));
      }
    }
    return calls;
  }

  private static Set<String> rights(Connection connection) throws SQLException {
    Set<String> rights = new TreeSet<>();
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(RIGHTS)) {
      while (row.next()) {
        rights.add(row.getString(1));
      }
    }
    return rights;
  }

  /** The types of the result's columns, by name. The statement does not run. */
  private static Map<String, String> described(Connection connection, String sql)
      throws SQLException {
    Map<String, String> columns = new LinkedHashMap<>();
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      ResultSetMetaData result = statement.getMetaData();
      for (int i = 1; i <= result.getColumnCount(); i++) {
        columns.put(result.getColumnLabel(i), result.getColumnTypeName(i));
      }
    }
    return columns;
  }

  /** A function that a role may execute. */
  private record Call(
      String role, String function, List<String> types, List<String> names, int required) {

    /** All arguments by their place, as jOOQ passes them. */
    String arguments() {
      return arguments(types.size());
    }

    private String arguments(int number) {
      return types.stream()
          .limit(number)
          .map("null::%s"::formatted)
          .collect(Collectors.joining(", "));
    }

    private String argumentsByName() {
      return IntStream.range(0, types.size())
          .mapToObj(i -> "\"%s\" => null::%s".formatted(names.get(i), types.get(i)))
          .collect(Collectors.joining(", "));
    }

    /** What it returns: the types of the columns, by name. */
    Map<String, String> result(Connection connection) throws SQLException {
      return as(connection, session -> described(connection, statement("*", arguments())));
    }

    private String statement(String columns, String arguments) {
      return "select %s from %s(%s) f".formatted(columns, function, arguments);
    }

    /** What is no longer as it was, in the database's words; empty when it is. */
    Optional<String> missing(Connection connection, Map<String, String> result) {
      String columns =
          result.keySet().stream().map("f.\"%s\""::formatted).collect(Collectors.joining(", "));
      Set<String> ways = new TreeSet<>(Arrays.asList(arguments(), arguments(required)));
      if (names.stream().noneMatch(String::isEmpty) && names.size() == types.size()) {
        ways.add(argumentsByName());
      }
      try {
        return as(
            connection,
            session -> {
              for (String arguments : ways) {
                String statement = statement(columns, arguments);
                Map<String, String> now = described(connection, statement);
                if (!now.equals(result)) {
                  return Optional.of(this + " returns " + now + " in place of " + result);
                }
                session.execute("explain " + statement); // also asks whether the role may
              }
              return Optional.empty();
            });
      } catch (SQLException e) {
        // It may be asked while the statement is planned, and refuse the arguments.
        return e.getSQLState().startsWith("PT")
            ? Optional.empty()
            : Optional.of(this + ": " + e.getMessage());
      }
    }

    private <T> T as(Connection connection, Work<T> work) throws SQLException {
      try (Statement session = connection.createStatement()) {
        session.execute("set role " + role);
        try {
          return work.in(session);
        } finally {
          session.execute("reset role");
        }
      }
    }

    private interface Work<T> {
      T in(Statement session) throws SQLException;
    }

    @Override
    public String toString() {
      return "%s calls %s(%s)".formatted(role, function, arguments());
    }
  }
}
