package com.gptdesk.chat.policies;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.testing.TestDatabase;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Weakens every policy, grant and check in turn and demands that the matrix notices. One
 * connection, each mutant under a savepoint.
 */
class PolicyMutationTest {

  private static TestDatabase database;
  private static PolicyCheck check;

  @BeforeAll
  static void begin() throws SQLException {
    database = TestDatabase.fresh();
    check = PolicyCheck.begin(database.owner(), PolicyMatrix.read());
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
    Map<String, Difference> noticed = new LinkedHashMap<>();
    List<String> survivors = new ArrayList<>();
    int byAttempt = 0;
    for (Mutant mutant : mutants) {
      Difference difference = whatNotices(mutant);
      if (difference == null) {
        survivors.add(mutant.name());
      } else {
        noticed.put(mutant.name(), difference);
        byAttempt += mutant.isOfTheCatalogue() ? 0 : 1;
      }
    }
    System.out.printf(
        "%d mutants: %d noticed (%d by trying, %d by the catalogue), %d equivalent, %d survived%n",
        mutants.size(),
        noticed.size(),
        byAttempt,
        noticed.size() - byAttempt,
        Equivalents.REASONS.size(),
        survivors.size() - Equivalents.REASONS.size());

    List<String> unexplained = new ArrayList<>(survivors);
    unexplained.removeAll(Equivalents.REASONS.keySet());
    assertEquals(List.of(), unexplained, () -> "survived:\n" + String.join("\n", unexplained));
    assertTrue(survivors.containsAll(Equivalents.REASONS.keySet()), () -> "excused for nothing");
  }

  /** The first line of the matrix that tells the mutant from the real database; null when none. */
  private static @Nullable Difference whatNotices(Mutant mutant) throws SQLException {
    try (Statement statement = check.connection().createStatement()) {
      statement.execute("savepoint mutant");
      try {
        statement.execute(mutant.sql());
      } catch (SQLException e) {
        throw new AssertionError(
            "This mutant is not viable: " + mutant.name() + "\n" + mutant.sql(), e);
      }
      try {
        if (!mutant.isOfTheCatalogue()) {
          for (Attempt attempt : inOrderOfHope(mutant)) {
            for (Persona persona : Persona.values()) {
              Difference difference = check.difference(attempt, persona);
              if (difference != null) {
                return difference;
              }
            }
          }
        }
        return check.wrongRight();
      } finally {
        statement.execute("rollback to savepoint mutant; release savepoint mutant");
      }
    }
  }

  private static List<Attempt> inOrderOfHope(Mutant mutant) {
    Comparator<Attempt> likelyFirst =
        Comparator.comparing(attempt -> mutant.touches().stream().noneMatch(attempt::mentions));
    return check.attempts().stream().sorted(likelyFirst.thenComparing(Attempt::isByDao)).toList();
  }
}
