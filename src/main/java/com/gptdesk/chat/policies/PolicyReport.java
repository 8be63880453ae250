package com.gptdesk.chat.policies;

import com.gptdesk.chat.database.DatabaseUnavailable;
import com.gptdesk.chat.database.Login;
import java.io.PrintStream;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The matrix as a database does it.
 *
 * @param outcomes for each line what it came to for each person
 * @param rights where the catalogue differs
 * @param isStandalone whether the lines about people were tried
 */
public record PolicyReport(
    Map<Attempt, Map<Persona, String>> outcomes, List<Difference> rights, boolean isStandalone) {

  private static final int WHAT = 45;
  private static final int CELL = 9;

  /**
   * Tries the matrix in the jar.
   *
   * @param owner who owns the chat's tables, or a superuser
   * @throws IllegalStateException it cannot be tried there; the message says what is missing
   */
  public static PolicyReport of(Login owner) throws SQLException {
    try (PolicyCheck check = PolicyCheck.begin(owner, PolicyMatrix.read())) {
      Map<Attempt, Map<Persona, String>> outcomes = new LinkedHashMap<>();
      for (Attempt attempt : check.attempts()) {
        outcomes.put(attempt, check.outcomes(attempt));
      }
      return new PolicyReport(outcomes, check.wrongRights(), check.isStandalone());
    } catch (SQLException e) {
      if (e.getSQLState() != null && e.getSQLState().startsWith("08")) {
        throw new DatabaseUnavailable("Could not reach the database as " + owner, e);
      }
      throw e;
    }
  }

  /** Every cell and every right that is not as the matrix says. */
  public List<Difference> differences() {
    List<Difference> differences = new ArrayList<>();
    outcomes.forEach(
        (attempt, actual) ->
            actual.forEach(
                (persona, outcome) -> {
                  String expected = String.valueOf(attempt.expected().get(persona));
                  if (!expected.equals(outcome)) {
                    differences.add(
                        new Difference(attempt + ", " + persona.label(), expected, outcome));
                  }
                }));
    differences.addAll(rights);
    return differences;
  }

  /** Prints the matrix, differences in [brackets] and listed below; true when there are none. */
  public boolean print(PrintStream out) {
    String section = "";
    for (Map.Entry<Attempt, Map<Persona, String>> line : outcomes.entrySet()) {
      Attempt attempt = line.getKey();
      if (!attempt.section().equals(section)) {
        section = attempt.section();
        out.println(heading(section));
      }
      out.println(cells(attempt, line.getValue()));
    }
    out.println();
    List<Difference> differences = differences();
    differences.forEach(difference -> out.println("DIFFERS  " + difference));
    if (!isStandalone) {
      out.println(
          "The policies on users and teams are the platform's own; those lines were passed over.");
    }
    out.printf(
        "%d attempts by %d persons, and the rights in the catalogue: %s%n",
        outcomes.size(),
        Persona.values().length,
        differences.isEmpty() ? "all as db/policies.md says." : differences.size() + " differ.");
    return differences.isEmpty();
  }

  private static String heading(String section) {
    StringBuilder line = new StringBuilder("\n" + pad(section, 10 + WHAT));
    for (Persona persona : Persona.values()) {
      line.append(pad(persona.label(), CELL));
    }
    return line.toString().stripTrailing();
  }

  private static String cells(Attempt attempt, Map<Persona, String> actual) {
    StringBuilder line = new StringBuilder(pad(attempt.way(), 10) + pad(attempt.what(), WHAT));
    for (Persona persona : Persona.values()) {
      String outcome = String.valueOf(actual.get(persona));
      boolean isRight = outcome.equals(attempt.expected().get(persona));
      line.append(pad(isRight ? outcome : "[" + outcome + "]", CELL));
    }
    return line.toString().stripTrailing();
  }

  private static String pad(String text, int width) {
    return text + " ".repeat(Math.max(1, width - text.length()));
  }
}
