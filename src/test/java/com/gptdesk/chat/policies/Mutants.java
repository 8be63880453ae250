package com.gptdesk.chat.policies;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Every way to weaken a database by one policy, one grant or one check, read from its catalogue.
 */
final class Mutants {

  private static final String OURS = "('public', 'chat', 'relay')";

  /**
   * What relay.record_… writes is proved by AudienceEqualsPoliciesTest and ChangeLogRulesTest,
   * whose presence ends by TopicsRulesTest; the lock keeps an order. What the relay and back ends
   * do with the outbox is proved by LogReadersRulesTest and WebhooksRulesTest.
   */
  private static final Pattern NOT_ABOUT_RIGHTS =
      Pattern.compile(
          "relay\\.record_\\w+|relay\\.withdraw_presence|chat\\.lock_conversations"
              + "|chat\\.read_log|chat\\.position_after_gap|chat\\.begin_reading|chat\\.\\w*(webhook|dead_letter)\\w*"
              + "|chat\\.claims_hold|chat\\.signature_holds|chat\\.demand_claims\\w*");

  /** Partitions are alike: the first of a table stands for the others. */
  private static final String ONE_OF_A_KIND =
      " and not exists (select from pg_catalog.pg_inherits i join pg_catalog.pg_inherits j"
          + " on j.inhparent = i.inhparent and j.inhrelid < i.inhrelid where i.inhrelid = c.oid)";

  /**
   * A function.
   *
   * @param isRoot whether it is called from outside: by a role that may, or as a trigger
   */
  private record Function(String name, boolean isRoot, String source, String definition) {}

  /** Where nothing else is asked; SignedClaimsTest takes it away. */
  private static final String SIGNED = "( SELECT chat.claims_hold() AS claims_hold)";

  private final Connection connection;
  private final List<Mutant> mutants = new ArrayList<>();

  private Mutants(Connection connection) {
    this.connection = connection;
  }

  static List<Mutant> of(Connection owner) throws SQLException {
    Mutants all = new Mutants(owner);
    all.weakenPolicies();
    all.switchOffRowLevelSecurity();
    all.dropTriggers();
    all.weakenFunctions();
    all.grantTables();
    all.grantFunctions();
    all.grantTheRest();
    return all.mutants;
  }

  private void weakenPolicies() throws SQLException {
    for (Map<String, String> p :
        rows(
            "select format('%I on %I.%I', policyname, schemaname, tablename) as policy,"
                + " schemaname || '.' || tablename as table_name, qual, with_check"
                + " from pg_catalog.pg_policies where schemaname in "
                + OURS
                + " order by 1")) {
      String policy = p.get("policy");
      Set<String> touches = Set.of(value(p, "table_name"));
      mutants.add(new Mutant("drop policy " + policy, "drop policy " + policy, touches));
      for (String part : List.of("qual", "with_check")) {
        if (p.get(part) != null && !Set.of("true", SIGNED).contains(p.get(part))) {
          String clause = part.equals("qual") ? " using (true)" : " with check (true)";
          mutants.add(
              new Mutant(
                  "alter policy " + policy + clause, "alter policy " + policy + clause, touches));
        }
      }
    }
  }

  private void switchOffRowLevelSecurity() throws SQLException {
    for (Map<String, String> t :
        rows(
            "select format('%I.%I', n.nspname, c.relname) as name from pg_catalog.pg_class c"
                + " join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname in "
                + OURS
                + " and c.relrowsecurity order by 1")) {
      String sql = "alter table " + t.get("name") + " disable row level security";
      // Where nobody has a right, the catalogue alone can tell.
      boolean isReached = value(t, "name").startsWith("public.");
      mutants.add(new Mutant(sql, sql, isReached ? Set.of(value(t, "name")) : Set.of()));
    }
  }

  /**
   * Those that check; those that write the change log have a test of their own, one keeps a lock
   * order. What a partition has of its own is for the operators' trail ({@code
   * ComplianceRulesTest}).
   */
  private void dropTriggers() throws SQLException {
    for (Map<String, String> t :
        rows(
            "select format('%I on %s', g.tgname, g.tgrelid::regclass) as name, 'public.' || c.relname as table_name"
                + " from pg_catalog.pg_trigger g join pg_catalog.pg_proc p on p.oid = g.tgfoid"
                + " join pg_catalog.pg_class c on c.oid = g.tgrelid"
                + " where p.pronamespace = 'chat'::regnamespace and p.proname <> 'lock_conversations' and g.tgparentid = 0 and not g.tgisinternal"
                + " and not c.relispartition")) {
      String sql = "drop trigger " + t.get("name");
      mutants.add(new Mutant(sql, sql, Set.of(value(t, "table_name"))));
    }
  }

  private void weakenFunctions() throws SQLException {
    List<Function> functions = functions();
    for (Function function : functions) {
      if (!isReached(function, functions) || NOT_ABOUT_RIGHTS.matcher(function.name()).matches()) {
        continue;
      }
      WeakenedSource.of(function.name(), function.source())
          .forEach(
              (what, source) ->
                  mutants.add(
                      new Mutant(
                          function.name() + ": " + what,
                          function.definition().replace(function.source(), source),
                          callersOf(function, functions))));
    }
    for (Map<String, String> f :
        rows(
            "select p.oid::regprocedure as name, p.prosecdef, p.proconfig::text like '%search_path%' as pinned"
                + " from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace"
                + " where n.nspname in "
                + OURS
                + " and p.prokind = 'f' order by 1")) {
      String other = "t".equals(f.get("prosecdef")) ? "invoker" : "definer";
      ofTheCatalogue("alter function " + f.get("name") + " security " + other);
      if ("t".equals(f.get("pinned"))) {
        ofTheCatalogue("alter function " + f.get("name") + " reset search_path");
      }
    }
  }

  private void grantTables() throws SQLException {
    for (String role : List.of("anon", "authenticated")) {
      for (Map<String, String> c :
          rows(
              "select format('%I.%I', n.nspname, c.relname) as table_name, quote_ident(a.attname) as name, right_"
                  + " from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
                  + " join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped"
                  + " cross join unnest(array['select', 'insert', 'update']) right_"
                  + " where n.nspname in "
                  + OURS
                  + " and c.relkind in ('r', 'p')"
                  + " and not has_column_privilege('"
                  + role
                  + "', c.oid, a.attnum, right_) order by 1, 2, 3")) {
        ofTheCatalogue(
            "grant %s (%s) on %s to %s"
                .formatted(c.get("right_"), c.get("name"), c.get("table_name"), role));
      }
      for (Map<String, String> t :
          rows(
              "select format('%I.%I', n.nspname, c.relname) as name, right_ from pg_catalog.pg_class c"
                  + " join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
                  + " cross join unnest(array['delete', 'truncate', 'trigger', 'references']) right_"
                  + " where n.nspname in "
                  + OURS
                  + " and c.relkind in ('r', 'p')"
                  + ONE_OF_A_KIND
                  + " order by 1, 2")) {
        ofTheCatalogue("grant %s on %s to %s".formatted(t.get("right_"), t.get("name"), role));
      }
    }
  }

  private void grantFunctions() throws SQLException {
    for (Map<String, String> f :
        rows(
            "select p.oid::regprocedure as name, role, p.prokind from pg_catalog.pg_proc p"
                + " join pg_catalog.pg_namespace n on n.oid = p.pronamespace"
                + " cross join unnest(array['anon', 'authenticated', 'public']) role"
                + " where n.nspname in "
                + OURS
                + " and not has_function_privilege(role, p.oid, 'execute') order by 1, 2")) {
      ofTheCatalogue("grant execute on routine %s to %s".formatted(f.get("name"), f.get("role")));
    }
  }

  private void grantTheRest() {
    for (String sql :
        List.of(
            "grant usage on schema chat to anon",
            "grant create on schema chat to authenticated",
            "grant usage on schema relay to authenticated",
            "grant usage on schema relay to anon",
            "grant usage on sequence relay.change_seq to authenticated",
            "grant service_role to authenticated",
            "grant chat_relay to authenticated",
            "grant authenticated to anon")) {
      ofTheCatalogue(sql);
    }
  }

  private void ofTheCatalogue(String sql) {
    mutants.add(new Mutant(sql, sql, Set.of()));
  }

  private List<Function> functions() throws SQLException {
    List<Function> functions = new ArrayList<>();
    for (Map<String, String> f :
        rows(
            "select n.nspname || '.' || p.proname as name, p.prosrc, pg_get_functiondef(p.oid) as definition,"
                + " p.prorettype = 'trigger'::regtype or exists (select from pg_catalog.pg_roles r"
                + " where r.rolname in ('anon', 'authenticated', 'service_role', 'chat_relay', 'chat_service')"
                + " and has_function_privilege(r.oid, p.oid, 'execute')) as is_root"
                + " from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace"
                + " where n.nspname in "
                + OURS
                + " and p.prokind = 'f' order by 1")) {
      functions.add(
          new Function(
              value(f, "name"),
              "t".equals(f.get("is_root")),
              value(f, "prosrc"),
              value(f, "definition")));
    }
    return functions;
  }

  private static boolean isReached(Function function, List<Function> all) {
    Set<String> callers = callersOf(function, all);
    return all.stream().anyMatch(other -> other.isRoot() && callers.contains(other.name()));
  }

  /** The function, who calls it, who calls those, and the tables whose triggers they are. */
  private static Set<String> callersOf(Function function, List<Function> all) {
    Set<String> names = new LinkedHashSet<>(Set.of(function.name()));
    for (boolean grew = true; grew; ) {
      grew = false;
      for (Function other : all) {
        if (names.stream().anyMatch(name -> other.source().contains(name + "("))) {
          grew |= names.add(other.name());
        }
      }
    }
    if (names.contains("chat.number_message")) {
      names.add("public.user_messages");
      names.add("public.send_message");
    }
    if (names.contains("chat.stamp_presence")) {
      names.add("public.user_presence");
    }
    if (names.contains("chat.may_talk_to")) {
      names.add("public.user_conversations");
    }
    return names;
  }

  private List<Map<String, String>> rows(String query) throws SQLException {
    List<Map<String, String>> rows = new ArrayList<>();
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(query)) {
      while (result.next()) {
        Map<String, String> row = new LinkedHashMap<>();
        for (int i = 1; i <= result.getMetaData().getColumnCount(); i++) {
          row.put(result.getMetaData().getColumnLabel(i), result.getString(i));
        }
        rows.add(row);
      }
    }
    return rows;
  }

  private static String value(Map<String, String> row, String column) {
    return String.valueOf(row.get(column));
  }
}
