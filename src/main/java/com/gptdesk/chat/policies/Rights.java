package com.gptdesk.chat.policies;

import com.gptdesk.chat.policies.PolicyMatrix.Right;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Compares the catalogue's rights with the matrix in both directions: rights that are not listed
 * must not exist.
 */
final class Rights {

  private static final List<String> ROLES =
      List.of("anon", "authenticated", "service_role", "chat_relay", "chat_service");

  /** What is not the chat's on an existing platform, whatever has these names there. */
  private static final Set<String> PLATFORMS =
      Set.of(
          "public.users",
          "public.teams",
          "public.add_team",
          "public.add_person",
          "public.activate_person",
          "public.deactivate_person");

  /** For each table and column: one letter for each right of each role. */
  private static final String COLUMNS =
      """
      with roles as (
        select r.oid, r.rolname
        from pg_catalog.pg_roles r
        where r.rolname in ('anon', 'authenticated', 'service_role', 'chat_relay', 'chat_service')
      ), tables as (
        select
          c.oid,
          c.relkind,
          case
            when i.inhparent = 'public.user_messages'::regclass then 'partitions of public.user_messages'
            else n.nspname || '.' || c.relname
          end as name,
          c.relrowsecurity
        from pg_catalog.pg_class c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        left join pg_catalog.pg_inherits i on i.inhrelid = c.oid
        where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
          and (n.nspname in ('chat', 'relay') or n.nspname || '.' || c.relname = any (?))
      )
      select distinct
        t.name,
        'the table',
        r.rolname,
        case when t.relkind = 'S' then
          case when has_sequence_privilege(r.oid, t.oid, 'usage, select, update') then 'q' else '' end
        else
          case when has_table_privilege(r.oid, t.oid, 'delete') then 'd' else '' end
          || case when has_table_privilege(r.oid, t.oid, 'truncate') then 't' else '' end
          || case when has_table_privilege(r.oid, t.oid, 'trigger') then 'g' else '' end
        end
        || case when t.relkind in ('r', 'p') and not t.relrowsecurity and t.name <> 'chat.flyway_history' then ' open' else '' end
      from tables t, roles r
      union all
      select distinct
        t.name,
        a.attname,
        r.rolname,
        case when has_column_privilege(r.oid, t.oid, a.attnum, 'select') then 's' else '' end
        || case when has_column_privilege(r.oid, t.oid, a.attnum, 'insert') then 'i' else '' end
        || case when has_column_privilege(r.oid, t.oid, a.attnum, 'update') then 'u' else '' end
        || case when has_column_privilege(r.oid, t.oid, a.attnum, 'references') then 'r' else '' end
      from tables t
      join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
      cross join roles r
      where t.relkind <> 'S'
      """;

  /** A name means all functions that have it; a right to one of them counts for the name. */
  private static final String FUNCTIONS =
      """
      select f.name, string_agg(distinct f.rights, ' or ' order by f.rights), f.rolname, max(f.may)
      from (
        select
          n.nspname || '.' || p.proname as name,
          case when p.prosecdef then 'definer' else 'invoker' end
          || case
            when p.prosqlbody is not null then ', bound'
            when exists (select from unnest(p.proconfig) s where s = 'search_path=pg_catalog, pg_temp') then ''
            else ', no path'
          end as rights,
          r.rolname,
          case when has_function_privilege(r.oid, p.oid, 'execute') then 'x' else '-' end collate "C" as may
        from pg_catalog.pg_proc p
        join pg_catalog.pg_namespace n on n.oid = p.pronamespace
        cross join pg_catalog.pg_roles r
        where r.rolname in ('anon', 'authenticated', 'service_role', 'chat_relay', 'chat_service')
          and (
            n.nspname in ('chat', 'relay')
            or n.nspname || '.' || p.proname = any (?)
            or (? and n.nspname = 'public')
          )
          and not exists (
            select
            from pg_catalog.pg_depend d
            where d.classid = 'pg_catalog.pg_proc'::regclass
              and d.objid = p.oid
              and d.deptype = 'e'
          )
      ) f
      group by f.name, f.rolname
      order by 1
      """;

  private static final String SCHEMAS =
      """
      select
        n.nspname,
        '',
        r.rolname,
        case when has_schema_privilege(r.oid, n.oid, 'usage') then 'u' else '' end
        || case when has_schema_privilege(r.oid, n.oid, 'create') then 'c' else '' end
      from pg_catalog.pg_namespace n
      cross join pg_catalog.pg_roles r
      where r.rolname in ('anon', 'authenticated', 'service_role', 'chat_relay', 'chat_service')
        and n.nspname in ('chat', 'relay')
      """;

  /** Roles that bypass policies, or may take another role, are not bound by the matrix. */
  private static final String ROLES_THEMSELVES =
      """
      select
        r.rolname,
        '',
        'may become',
        coalesce((
          select string_agg(o.rolname, ', ' order by o.rolname)
          from pg_catalog.pg_roles o
          where o.rolname in ('anon', 'authenticated', 'service_role', 'chat_relay', 'chat_service')
            and o.oid <> r.oid
            and pg_has_role(r.oid, o.oid, 'member')
        ), '')
        || case when r.rolsuper or r.rolcreaterole or (r.rolbypassrls and r.rolname <> 'service_role') then ' all' else '' end
      from pg_catalog.pg_roles r
      where r.rolname in ('anon', 'authenticated', 'service_role', 'chat_relay', 'chat_service')
      """;

  private record Key(String object, String part, String heading) {
    @Override
    public String toString() {
      return part.isEmpty() ? object + ", " + heading : object + ", " + part + ", " + heading;
    }
  }

  private final Connection connection;
  private final PolicyMatrix matrix;
  private final boolean standalone;

  Rights(Connection connection, PolicyMatrix matrix, boolean standalone) {
    this.connection = connection;
    this.matrix = matrix;
    this.standalone = standalone;
  }

  /** All of them. */
  List<Difference> differences() throws SQLException {
    List<Difference> differences = new ArrayList<>();
    for (Part part : Part.values()) {
      differences.addAll(differences(part));
    }
    return differences;
  }

  /** Only these parts of the catalogue, the cheapest first. */
  enum Part {
    SCHEMAS,
    ROLES,
    FUNCTIONS,
    TABLES
  }

  List<Difference> differences(Part part) throws SQLException {
    List<Difference> differences = new ArrayList<>();
    switch (part) {
      case SCHEMAS -> compare(differences, matrix.rights("schema"), ask(SCHEMAS));
      case ROLES -> compare(differences, matrix.rights("role"), ask(ROLES_THEMSELVES));
      case FUNCTIONS -> compareFunctions(differences);
      case TABLES -> compareColumns(differences);
    }
    return differences;
  }

  /** A column without its own line has the rights of its table's line "others". */
  private void compareColumns(List<Difference> differences) throws SQLException {
    List<Right> lines =
        matrix.rights("table").stream()
            .filter(line -> standalone || !isPlatforms(line.object()))
            .toList();
    Map<Key, String> expected = new LinkedHashMap<>();
    Map<Key, String> others = new LinkedHashMap<>();
    for (Right line : lines) {
      for (String role : ROLES) {
        for (String column : line.part().split(",\\s*")) {
          (column.equals("others") ? others : expected)
              .put(new Key(line.object(), column, role), cell(line, role));
        }
      }
    }
    Map<Key, String> actual = ask(COLUMNS, (Object) objects(lines));
    actual.forEach(
        (key, may) -> {
          String should = expected.remove(key);
          if (should == null) {
            should =
                key.part().equals("the table")
                    ? ""
                    : others.getOrDefault(
                        new Key(key.object(), "others", key.heading()), "unlisted");
          }
          note(differences, key, should, may);
        });
    expected.forEach((key, should) -> note(differences, key, should, "missing"));
  }

  private void compareFunctions(List<Difference> differences) throws SQLException {
    List<Right> lines =
        matrix.rights("function").stream()
            .filter(line -> standalone || !isPlatforms(line.object()))
            .toList();
    Map<Key, String> expected = new LinkedHashMap<>();
    for (Right line : lines) {
      for (String role : ROLES) {
        expected.put(
            new Key(line.object(), line.part(), role),
            "-".equals(line.cells().get(role)) ? "-" : "x");
      }
    }
    Map<Key, String> actual = ask(FUNCTIONS, objects(lines), standalone);
    actual.forEach(
        (key, may) ->
            note(
                differences,
                key,
                Objects.requireNonNullElse(expected.remove(key), "unlisted"),
                may));
    expected.forEach((key, should) -> note(differences, key, should, "missing"));
  }

  private static void compare(
      List<Difference> differences, List<Right> lines, Map<Key, String> actual) {
    Map<Key, String> expected = new LinkedHashMap<>();
    for (Right line : lines) {
      line.cells()
          .forEach((heading, may) -> expected.put(new Key(line.object(), "", heading), plain(may)));
    }
    actual.forEach(
        (key, may) ->
            note(
                differences,
                key,
                Objects.requireNonNullElse(expected.remove(key), "unlisted"),
                may));
    expected.forEach((key, should) -> note(differences, key, should, "missing"));
  }

  private static void note(List<Difference> differences, Key key, String expected, String actual) {
    if (!expected.strip().equals(actual.strip())) {
      differences.add(new Difference(key.toString(), named(expected), named(actual)));
    }
  }

  private static String named(String rights) {
    return rights.isBlank() ? "nothing" : rights.strip();
  }

  private static boolean isPlatforms(String name) {
    return PLATFORMS.contains(name);
  }

  private static String cell(Right line, String role) {
    return plain(line.cells().getOrDefault(role, PolicyMatrix.NOTHING));
  }

  private static String plain(String cell) {
    return cell.equals(PolicyMatrix.NOTHING) ? "" : cell;
  }

  private static String[] objects(List<Right> lines) {
    return lines.stream().map(Right::object).distinct().toArray(String[]::new);
  }

  private Map<Key, String> ask(String query, Object... values) throws SQLException {
    Map<Key, String> answer = new LinkedHashMap<>();
    try (PreparedStatement statement = connection.prepareStatement(query)) {
      for (int i = 0; i < values.length; i++) {
        statement.setObject(i + 1, values[i]);
      }
      ResultSet result = statement.executeQuery();
      while (result.next()) {
        // Of several functions with one name, the widest right counts.
        answer.merge(
            new Key(result.getString(1), result.getString(2), result.getString(3)),
            result.getString(4),
            (one, other) -> one.length() >= other.length() ? one : other);
      }
    }
    return answer;
  }
}
