package com.gptdesk.chat.policies;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** Assigns attempts of the matrix to causes, by the objects that both concern. */
final class Symptoms {

  /** The objects that each function, policy and view of the chat mentions. */
  private static final String TEXTS =
      """
      select n.nspname || '.' || p.proname, coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)
      from pg_catalog.pg_proc p
      join pg_catalog.pg_namespace n on n.oid = p.pronamespace
      where n.nspname in ('chat', 'relay', 'public')
        and p.prokind in ('f', 'p')
      union all
      select p.polrelid::regclass::text, concat(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
      from pg_catalog.pg_policy p
      union all
      select t.tgrelid::regclass::text, t.tgfoid::regproc::text || ' '
      from pg_catalog.pg_trigger t
      where not t.tgisinternal
      """;

  private final Map<String, StringBuilder> texts = new LinkedHashMap<>();

  Symptoms(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("savepoint texts; set local search_path = pg_catalog");
      try (ResultSet rows = statement.executeQuery(TEXTS)) {
        while (rows.next()) {
          texts
              .computeIfAbsent(rows.getString(1), name -> new StringBuilder())
              .append(rows.getString(2));
        }
      }
      statement.execute("rollback to savepoint texts; release savepoint texts");
    }
  }

  /**
   * Assigns differences to the causes that explain them; some may have none.
   *
   * @param the differences, each with the SQL of its attempt
   * @return how many of them each cause explains, in the order of the causes
   */
  Map<Cause, Integer> count(
      List<Cause> causes, Map<Difference, String> differences, List<Difference> unexplained) {
    Map<Cause, Integer> counts = new LinkedHashMap<>();
    causes.forEach(cause -> counts.put(cause, 0));
    Map<Difference, String> left = new LinkedHashMap<>(differences);
    for (boolean indirectly : new boolean[] {false, true}) {
      for (Cause cause : causes) {
        Set<String> names = indirectly ? dependents(cause.subjects()) : cause.subjects();
        List<Difference> explained = new ArrayList<>();
        left.forEach(
            (difference, sql) -> {
              if (names.stream().anyMatch(name -> mentions(difference.where() + " " + sql, name))) {
                explained.add(difference);
              }
            });
        counts.merge(cause, explained.size(), Integer::sum);
        explained.forEach(left::remove);
      }
    }
    unexplained.addAll(left.keySet());
    return counts;
  }

  /** These objects, and all whose text mentions one of them. */
  private Set<String> dependents(Set<String> subjects) {
    Set<String> names = new HashSet<>(subjects);
    boolean grew = true;
    while (grew) {
      grew = false;
      for (Map.Entry<String, StringBuilder> text : texts.entrySet()) {
        if (!names.contains(text.getKey())
            && names.stream()
                .anyMatch(name -> name.contains(".") && text.getValue().indexOf(name) >= 0)) {
          names.add(text.getKey());
          grew = true;
        }
      }
    }
    return names;
  }

  /** DAOs and sections of the matrix use the name without its schema. */
  private static boolean mentions(String text, String name) {
    String bare = name.substring(name.lastIndexOf('.') + 1);
    return Pattern.compile("(?<![\\w])" + Pattern.quote(bare) + "(?!\\w)").matcher(text).find();
  }
}
