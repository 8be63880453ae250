package com.gptdesk.chat.policies;

import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.migration.Accepted;
import com.gptdesk.chat.database.migration.Migrations;
import com.gptdesk.chat.database.migration.Platform;
import com.gptdesk.chat.database.migration.Precondition;
import java.io.IOException;
import java.io.PrintStream;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jooq.exception.DataAccessException;
import org.jspecify.annotations.Nullable;

/**
 * The results of the matrix in a database, and the differences of that database from the
 * migrations.
 *
 * @param outcomes for each line the result for each persona; empty when it could not be tested
 * @param rights the differences in the catalogue's rights
 * @param isStandalone whether the lines about people were tested
 * @param causes the manual changes, and other ways to the data
 * @param symptoms how many attempts each cause explains
 * @param unexplained attempts that differ for an unknown cause
 * @param notes remarks
 * @param untried why the matrix could not be tested; null when it was
 */
public record PolicyReport(
    Map<Attempt, Map<Persona, String>> outcomes,
    List<Difference> rights,
    boolean isStandalone,
    List<Cause> causes,
    Map<Cause, Integer> symptoms,
    List<Difference> unexplained,
    List<String> notes,
    @Nullable String untried) {

  private static final int WHAT = 45;
  private static final int CELL = 9;
  private static final int MOST_UNEXPLAINED = 20;

  /**
   * Tests the matrix in the jar.
   *
   * @param owner the owner of the chat's tables, or a superuser
   * @throws IllegalStateException it cannot be tested there; the message says what is missing
   */
  public static PolicyReport of(Login owner) throws SQLException {
    return of(owner, Accepted.NOTHING);
  }

  /**
   * As {@link #of(Login)}.
   *
   * @param accepted the accepted changes
   */
  public static PolicyReport of(Login owner, Accepted accepted) throws SQLException {
    return of(owner, accepted, List.of());
  }

  /**
   * As {@link #of(Login)}.
   *
   * @param accepted the accepted changes
   * @param served names of functions that clients are served beside the chat's own
   */
  public static PolicyReport of(Login owner, Accepted accepted, List<String> served)
      throws SQLException {
    return of(owner, accepted, served, null);
  }

  /**
   * As {@link #of(Login, Accepted, List)}, also by requests to the service.
   *
   * @param accepted the accepted changes
   * @param served names of functions that clients are served beside the chat's own
   * @param requests what makes their SQL, from a connection that it may read; null leaves them out
   */
  public static PolicyReport of(
      Login owner,
      Accepted accepted,
      List<String> served,
      @Nullable Function<Connection, RequestSql> requests)
      throws SQLException {
    Migrations migrations = Migrations.of(owner, null).accepting(accepted).serving(served);
    Platform platform = migrations.platform();
    List<Precondition> unmet = migrations.preconditions();
    try (Connection connection = owner.connect()) {
      connection.setAutoCommit(false);
      List<Cause> causes = Cause.of(connection, platform, accepted);
      List<String> notes = new ArrayList<>();
      for (Precondition precondition : unmet) {
        switch (precondition.kind()) {
          case MISSING -> {} // is reported by migrate
          case UNSAFE -> causes.add(Cause.of(precondition));
          case WARNING -> notes.add(precondition.toString());
        }
      }
      Symptoms symptoms = new Symptoms(connection);
      connection.rollback();
      return tried(owner, accepted, requests, platform, causes, notes, symptoms);
    } catch (SQLException e) {
      if (isAway(e)) {
        throw new DatabaseUnavailable("Could not reach the database as " + owner, e);
      }
      throw e;
    }
  }

  private static PolicyReport tried(
      Login owner,
      Accepted accepted,
      @Nullable Function<Connection, RequestSql> requests,
      Platform platform,
      List<Cause> causes,
      List<String> notes,
      Symptoms symptoms)
      throws SQLException {
    Map<Attempt, Map<Persona, String>> outcomes = new LinkedHashMap<>();
    List<Difference> rights = new ArrayList<>();
    String untried = null;
    try (PolicyCheck check = PolicyCheck.begin(owner, PolicyMatrix.read(), requests)) {
      for (Attempt attempt : check.attempts()) {
        outcomes.put(attempt, check.outcomes(attempt));
      }
      rights.addAll(check.wrongRights());
    } catch (SQLException | IllegalStateException | DataAccessException e) {
      // With a known cause, the failure to create the scene is one of its symptoms.
      if (causes.isEmpty() || (e instanceof SQLException sql && isAway(sql))) {
        throw e;
      }
      untried = String.valueOf(e.getMessage());
    }
    Map<Difference, String> differences = differences(outcomes);
    rights.forEach(right -> differences.put(right, ""));
    differences.keySet().removeIf(difference -> accepted.covers("matrix " + difference.where()));
    rights.retainAll(differences.keySet());
    accepted.stale().forEach(line -> notes.add("accepted, but not there any more: " + line));
    List<Difference> unexplained = new ArrayList<>();
    Map<Cause, Integer> counts = symptoms.count(causes, differences, unexplained);
    return new PolicyReport(
        outcomes,
        rights,
        platform == Platform.STANDALONE,
        causes,
        counts,
        unexplained,
        notes,
        untried);
  }

  private static boolean isAway(SQLException e) {
    return e.getSQLState() != null && e.getSQLState().startsWith("08");
  }

  /** Every cell and every right that differs from the matrix. */
  public List<Difference> differences() {
    List<Difference> differences = new ArrayList<>(differences(outcomes).keySet());
    differences.addAll(rights);
    return differences;
  }

  private static Map<Difference, String> differences(Map<Attempt, Map<Persona, String>> outcomes) {
    Map<Difference, String> differences = new LinkedHashMap<>();
    outcomes.forEach(
        (attempt, actual) ->
            actual.forEach(
                (persona, outcome) -> {
                  if (!outcome.equals(attempt.expected().get(persona))) {
                    differences.put(
                        difference(attempt, persona, outcome),
                        attempt.statement() + " " + persona.role());
                  }
                }));
    return differences;
  }

  static Difference difference(Attempt attempt, Persona persona, String outcome) {
    return new Difference(
        attempt + ", " + persona.label(), String.valueOf(attempt.expected().get(persona)), outcome);
  }

  /**
   * Writes it as a test suite in the XML of JUnit, which CI servers show.
   *
   * @param file is replaced
   */
  public void writeJunit(Path file) throws IOException {
    try (Writer out = Files.newBufferedWriter(file)) {
      PolicyReportFiles.junit(this, out);
    }
  }

  /**
   * Writes what differs as SARIF 2.1.0, for code scanning.
   *
   * @param file is replaced
   */
  public void writeSarif(Path file) throws IOException {
    try (Writer out = Files.newBufferedWriter(file)) {
      PolicyReportFiles.sarif(this, out);
    }
  }

  /** Whether there is no difference that is not accepted. */
  public boolean allWell() {
    return causes.isEmpty() && unexplained.isEmpty() && untried == null;
  }

  /**
   * Prints the matrix with differences in [brackets], then one line for each cause with its id in
   * [brackets]; returns whether all is well.
   */
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
    printCauses(out);
    notes.forEach(note -> out.println("NOTE     " + note));
    if (!isStandalone) {
      out.println(
          "The policies on users and teams belong to the platform; those lines were skipped.");
    }
    out.printf(
        "%d attempts by %d persons, the rights in the catalogue, what the migrations made and every way round it: %s%n",
        outcomes.size(),
        Persona.values().length,
        allWell()
            ? "all as db/policies.md and the manifest say."
            : "%d differ, for %d causes.".formatted(differences().size(), causes.size()));
    return allWell();
  }

  private void printCauses(PrintStream out) {
    for (Cause cause : causes) {
      int shown = symptoms.getOrDefault(cause, 0);
      out.printf(
          "CAUSE    %s%s%n",
          cause, shown == 0 ? "" : " (%d attempts of the matrix show it)".formatted(shown));
    }
    if (untried != null) {
      out.println("UNTRIED  The matrix cannot be tried until that is mended: " + untried);
    }
    unexplained.stream()
        .limit(MOST_UNEXPLAINED)
        .forEach(difference -> out.println("DIFFERS  " + difference));
    if (unexplained.size() > MOST_UNEXPLAINED) {
      out.printf("DIFFERS  and %d more%n", unexplained.size() - MOST_UNEXPLAINED);
    }
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
