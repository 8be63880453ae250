package com.gptdesk.chat.policies;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import com.gptdesk.chat.service.rest.RestSql;
import com.gptdesk.chat.testing.TestDatabase;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Weakens every policy, grant and check in turn and demands that the matrix notices. One
 * connection, each mutant under a savepoint.
 */
@Tag("slow")
@Tag("once")
class PolicyMutationTest {

  private static final Pattern COLUMN_RIGHT =
      Pattern.compile("grant \\w+ \\((\\w+)\\) on (\\S+) to (\\w+)");

  private static TestDatabase database;
  private static PolicyCheck check;

  @BeforeAll
  static void begin() throws SQLException {
    database = TestDatabase.fresh();
    check = PolicyCheck.begin(database.owner(), PolicyMatrix.read(), RestSql::of);
  }

  @AfterAll
  static void end() throws SQLException {
    check.close();
    database.close();
  }

  @Test
  void theRealOneIsAsTheMatrixSays() throws SQLException {
    // The control: what is noticed below is the weakening.
    for (Attempt attempt : check.attempts()) {
      assertEquals(attempt.expected(), check.outcomes(attempt), attempt::toString);
    }
    assertEquals(List.of(), check.wrongRights());
  }

  @Test
  void everyWeakeningIsNoticed() throws SQLException {
    List<Mutant> mutants = Mutants.of(check.connection());
    Set<Mutant> noticedTogether = noticedTogether(mutants);
    Set<String> survivors = new LinkedHashSet<>();
    int tried = 0;
    for (Mutant mutant : mutants) {
      if (!noticedTogether.contains(mutant) && whatNotices(mutant, inOrderOfHope(mutant)) == null) {
        survivors.add(mutant.name());
      }
      tried += mutant.isOfTheCatalogue() ? 0 : 1;
    }
    Set<String> unexplained = new LinkedHashSet<>(survivors);
    unexplained.removeAll(Equivalents.REASONS.keySet());
    System.out.printf(
        "Policy mutants: %d (%d policies, tables and checks, %d rights in the catalogue);"
            + " %d noticed, %d equivalent and excused by name, %d survived%n",
        mutants.size(),
        tried,
        mutants.size() - tried,
        mutants.size() - survivors.size(),
        survivors.size() - unexplained.size(),
        unexplained.size());

    assertEquals(Set.of(), unexplained, () -> "survived:\n" + String.join("\n", unexplained));
    Set<String> excusedForNothing = new LinkedHashSet<>(Equivalents.REASONS.keySet());
    excusedForNothing.removeAll(survivors);
    assertEquals(Set.of(), excusedForNothing, "these are noticed, or no longer made");
  }

  @Test
  void withoutItsLinesAMutantSurvives() throws SQLException {
    Mutant weak =
        new Mutant(
            "earlier texts for all",
            "alter policy \"Users can view earlier texts in their conversations\" on public.message_edits"
                + " using (true)",
            Set.of("public.message_edits"));
    List<Attempt> lines = check.attempts();
    List<Attempt> otherLines =
        lines.stream().filter(line -> line.section().equals("message_reactions")).toList();

    assertNull(whatNotices(weak, otherLines));
    assertNotNull(whatNotices(weak, lines));
  }

  /**
   * Rights to columns are thousands, and the catalogue shows each by its column and role: all of
   * one kind are given at once.
   */
  private static Set<Mutant> noticedTogether(List<Mutant> mutants) throws SQLException {
    Map<String, List<Mutant>> kinds =
        mutants.stream()
            .filter(mutant -> COLUMN_RIGHT.matcher(mutant.sql()).matches())
            .collect(Collectors.groupingBy(mutant -> mutant.sql().split(" ", 3)[1]));
    Set<Mutant> noticed = new LinkedHashSet<>();
    for (List<Mutant> kind : kinds.values()) {
      try (Statement statement = check.connection().createStatement()) {
        statement.execute("savepoint mutants");
        for (Mutant mutant : kind) {
          statement.execute(mutant.sql());
        }
        Set<String> where =
            check.wrongRights().stream().map(Difference::where).collect(Collectors.toSet());
        statement.execute("rollback to savepoint mutants; release savepoint mutants");
        for (Mutant mutant : kind) {
          if (where.contains(COLUMN_RIGHT.matcher(mutant.sql()).replaceFirst("$2, $1, $3"))) {
            noticed.add(mutant);
          }
        }
      }
    }
    return noticed;
  }

  /** The first line that tells the mutant from the real database; null when none does. */
  private static @Nullable Difference whatNotices(Mutant mutant, List<Attempt> attempts)
      throws SQLException {
    try (Statement statement = check.connection().createStatement()) {
      statement.execute("savepoint mutant");
      try {
        statement.execute(mutant.sql());
        for (Attempt attempt : attempts) {
          for (Persona persona : Persona.values()) {
            Difference difference = check.difference(attempt, persona);
            if (difference != null) {
              return difference;
            }
          }
        }
        return check.wrongRight();
      } catch (SQLException e) {
        throw new AssertionError(
            "This mutant is not viable: " + mutant.name() + "\n" + mutant.sql(), e);
      } finally {
        statement.execute("rollback to savepoint mutant; release savepoint mutant");
      }
    }
  }

  /** Those that name what was weakened come first; they alone for one that none will notice. */
  private static List<Attempt> inOrderOfHope(Mutant mutant) {
    if (mutant.isOfTheCatalogue()) {
      return List.of();
    }
    Predicate<Attempt> isAboutIt = attempt -> mutant.touches().stream().anyMatch(attempt::mentions);
    boolean isExcused = Equivalents.REASONS.containsKey(mutant.name());
    return check.attempts().stream()
        .filter(attempt -> !isExcused || isAboutIt.test(attempt))
        .sorted(
            Comparator.comparing((Attempt attempt) -> !isAboutIt.test(attempt))
                .thenComparing(Attempt::isByDao)
                .thenComparing(Attempt::isByRest))
        .toList();
  }
}
