package com.gptdesk.chat.testing;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.policies.Trial;
import com.gptdesk.chat.policies.Trial.Outcome;
import java.sql.SQLException;
import java.util.UUID;

/**
 * What a person may do, tried as the policy matrix tries it: in a transaction that is rolled back.
 *
 * <p>Each assertion that says no has a control: the owner, past all policies, must find a row where
 * the person finds none. So an empty table or a mistyped condition proves nothing, and fails.
 *
 * <p>Tables are named as in SQL. {@code :me} in a statement or a condition is the person's id.
 */
public final class PersonAssert {

  private static final String INSUFFICIENT_PRIVILEGE = "42501";

  private final Login owner;
  private final UUID person;

  PersonAssert(Login owner, UUID person) {
    this.owner = owner;
    this.person = person;
  }

  /**
   * Sees at least one row.
   *
   * @param table its name
   * @return this
   */
  public PersonAssert canRead(String table) {
    return can("select from " + table);
  }

  /**
   * Sees no row, though there is one.
   *
   * @param table its name
   * @return this
   */
  public PersonAssert cannotRead(String table) {
    return cannot("select from " + table);
  }

  /**
   * Sees exactly the rows of a condition: all of them, and no other.
   *
   * @param table its name
   * @param condition of SQL; at least one row must satisfy it, and one must not
   * @return this
   */
  public PersonAssert canReadOnly(String table, String condition) {
    String others = "select from %s where (%s) is not true".formatted(table, condition);
    String theirs = "select from %s where %s".formatted(table, condition);
    return with(
        trial -> {
          long wanted = control(trial, theirs);
          Outcome seen = trial.as(person, spelled(theirs));
          require(seen.rows() == wanted, "see %d rows".formatted(wanted), seen, theirs);
          demandRefusal(trial, others);
        });
  }

  /**
   * Does something with at least one row.
   *
   * @param sql a statement
   * @return this
   */
  public PersonAssert can(String sql) {
    return with(
        trial -> {
          Outcome outcome = trial.as(person, spelled(sql));
          require(outcome.rows() > 0, "find a row", outcome, sql);
        });
  }

  /**
   * Is refused, or finds no row, where the owner finds one.
   *
   * @param sql a statement
   * @return this
   */
  public PersonAssert cannot(String sql) {
    return with(trial -> demandRefusal(trial, sql));
  }

  private void demandRefusal(Trial trial, String sql) throws SQLException {
    control(trial, sql);
    Outcome outcome = trial.as(person, spelled(sql));
    String refusal = outcome.refusal();
    require(
        outcome.rows() == 0 && (refusal == null || refusal.equals(INSUFFICIENT_PRIVILEGE)),
        "find no row, or be refused with " + INSUFFICIENT_PRIVILEGE,
        outcome,
        sql);
  }

  /** How many rows the owner finds, past all policies. */
  private long control(Trial trial, String sql) throws SQLException {
    Outcome control = trial.asOwner(spelled(sql));
    if (control.rows() == 0) {
      throw new AssertionError(
          "This proves nothing, since the owner finds no row either (%s): %s"
              .formatted(control, spelled(sql)));
    }
    return control.rows();
  }

  private void require(boolean holds, String expectation, Outcome outcome, String sql) {
    if (!holds) {
      throw new AssertionError(
          "%s should %s. The outcome was %s: %s"
              .formatted(person, expectation, outcome, spelled(sql)));
    }
  }

  private String spelled(String sql) {
    return sql.replaceAll("(?<!:):me\\b", "'" + person + "'::uuid");
  }

  private interface Tried {
    void with(Trial trial) throws SQLException;
  }

  private PersonAssert with(Tried tried) {
    try (Trial trial = Trial.begin(owner)) {
      tried.with(trial);
      return this;
    } catch (SQLException e) {
      throw new IllegalStateException("The database failed", e);
    }
  }
}
