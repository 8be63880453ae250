package com.gptdesk.chat.policies;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.jooq.tables.daos.ChatFilesDao;
import com.gptdesk.chat.jooq.tables.daos.ConversationPreferencesDao;
import com.gptdesk.chat.jooq.tables.daos.MessageEditsDao;
import com.gptdesk.chat.jooq.tables.daos.MessageReactionsDao;
import com.gptdesk.chat.jooq.tables.daos.PushSubscriptionsDao;
import com.gptdesk.chat.jooq.tables.daos.UserBlocksDao;
import com.gptdesk.chat.jooq.tables.daos.UserConversationsDao;
import com.gptdesk.chat.jooq.tables.daos.UserMessagesDao;
import com.gptdesk.chat.jooq.tables.daos.UserPresenceDao;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jooq.Configuration;
import org.jooq.DAO;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.jooq.impl.DefaultConfiguration;
import org.jspecify.annotations.Nullable;

/**
 * Tests the matrix on a live database, in one transaction of the owner that is never committed.
 * Each cell has its own savepoint.
 *
 * <p>One thread, one connection. Rows of people that it borrows stay locked until {@link #close}.
 */
public final class PolicyCheck implements AutoCloseable {

  private static final Pattern DAO_CALL =
      Pattern.compile("(\\w+)Dao\\.(fetch|insert|update|delete)\\((\\w+) = (:\\w+)\\)");
  private static final Pattern REQUEST = Pattern.compile("([A-Z]+) (\\S+)(?: (\\{.*\\}))?");
  private static final Map<String, Function<Configuration, DAO<?, ?, ?>>> DAOS =
      Map.of(
          "ChatFiles", ChatFilesDao::new,
          "ConversationPreferences", ConversationPreferencesDao::new,
          "MessageEdits", MessageEditsDao::new,
          "MessageReactions", MessageReactionsDao::new,
          "PushSubscriptions", PushSubscriptionsDao::new,
          "UserBlocks", UserBlocksDao::new,
          "UserConversations", UserConversationsDao::new,
          "UserMessages", UserMessagesDao::new,
          "UserPresence", UserPresenceDao::new);

  private final Connection connection;
  private final PolicyMatrix matrix;
  private final PolicyScene scene;
  private final Rights rights;
  private final Configuration jooq;
  private final boolean standalone;
  private final @Nullable RequestSql requests;

  private PolicyCheck(
      Connection connection,
      PolicyMatrix matrix,
      @Nullable Function<Connection, RequestSql> requests)
      throws SQLException {
    this.connection = connection;
    this.matrix = matrix;
    this.jooq = new DefaultConfiguration().set(connection).set(SQLDialect.POSTGRES);
    demandOwner();
    this.standalone =
        "standalone".equals(ask(connection, "select s.platform from chat.settings s"));
    this.rights = new Rights(connection, matrix, standalone);
    becomeAble(connection);
    try (Statement statement = connection.createStatement()) {
      // The personas use unsigned claims; this is rolled back like everything else.
      statement.execute(
          "update chat.settings set claims_secret = null where claims_secret is not null");
    }
    this.requests = requests == null ? null : requests.apply(connection);
    this.scene = PolicyScene.make(connection);
  }

  /**
   * Creates the scene, in a transaction that {@link #close} rolls back.
   *
   * @param owner the owner of the chat's tables, or a superuser
   * @throws IllegalStateException something is missing; the message says what
   * @throws SQLException the scene could not be created, since the database differs from the
   *     migrations
   */
  public static PolicyCheck begin(Login owner, PolicyMatrix matrix) throws SQLException {
    return begin(owner, matrix, null);
  }

  /**
   * As {@link #begin(Login, PolicyMatrix)}, also by requests to the service.
   *
   * @param requests what makes their SQL, from a connection that it may read; null leaves them out
   */
  public static PolicyCheck begin(
      Login owner, PolicyMatrix matrix, @Nullable Function<Connection, RequestSql> requests)
      throws SQLException {
    Connection connection = owner.connect();
    try (Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      // Each of the thousands of attempts runs once, so compiling them costs more than it saves.
      statement.execute("set jit = off");
      return new PolicyCheck(connection, matrix, requests);
    } catch (SQLException | RuntimeException e) {
      connection.close();
      throw e;
    }
  }

  /**
   * The lines that apply to this database; those about people only where that table is the chat's,
   * those by REST only with what makes their SQL.
   */
  public List<Attempt> attempts() {
    return matrix.attempts().stream()
        .filter(attempt -> standalone || !attempt.section().contains("standalone"))
        .filter(attempt -> requests != null || !attempt.isByRest())
        .toList();
  }

  /** The result of the attempt for each persona, in the notation of the matrix. */
  public Map<Persona, String> outcomes(Attempt attempt) throws SQLException {
    EnumMap<Persona, String> outcomes = new EnumMap<>(Persona.class);
    for (Persona persona : Persona.values()) {
      outcomes.put(persona, outcome(attempt, persona));
    }
    return outcomes;
  }

  /** The result of the attempt for that persona. Changes nothing. */
  public String outcome(Attempt attempt, Persona persona) throws SQLException {
    @Nullable Object row = attempt.isByDao() ? rowFor(attempt, persona) : null;
    return Trial.outcome(
            connection,
            persona.role(),
            scene.claims(persona),
            statement -> {
              long rows =
                  row != null ? rows(attempt, persona, row) : rows(statement, attempt, persona);
              if (attempt.then() != null) {
                statement.execute("set local role none");
                rows = Trial.rowsOf(statement, scene.spell(attempt.then(), persona));
              }
              return rows;
            })
        .toString();
  }

  /** The difference for that persona, if there is one. */
  @Nullable Difference difference(Attempt attempt, Persona persona) throws SQLException {
    String expected = String.valueOf(attempt.expected().get(persona));
    String actual = outcome(attempt, persona);
    return expected.equals(actual)
        ? null
        : new Difference(attempt + ", " + persona.label(), expected, actual);
  }

  /** The differences between the catalogue's rights and the matrix. */
  public List<Difference> wrongRights() throws SQLException {
    return rights.differences();
  }

  /**
   * The first difference between the catalogue's rights and the matrix; null when there is none.
   */
  @Nullable Difference wrongRight() throws SQLException {
    for (Rights.Part part : Rights.Part.values()) {
      List<Difference> differences = rights.differences(part);
      if (!differences.isEmpty()) {
        return differences.getFirst();
      }
    }
    return null;
  }

  /** Whether {@code public.users}, and so its policies, are the chat's. */
  public boolean isStandalone() {
    return standalone;
  }

  /** The transaction in which everything runs. */
  Connection connection() {
    return connection;
  }

  @Override
  public void close() throws SQLException {
    connection.rollback();
    connection.close();
  }

  private long rows(Statement statement, Attempt attempt, Persona persona) throws SQLException {
    if (attempt.isByRest()) {
      return rowsOfRequest(attempt, persona);
    }
    return Trial.rowsOf(statement, scene.spell(attempt.statement(), persona));
  }

  private long rowsOfRequest(Attempt attempt, Persona persona) throws SQLException {
    Matcher request = REQUEST.matcher(scene.spellRequest(attempt.statement(), persona));
    if (requests == null || !request.matches()) {
      throw new IllegalArgumentException("This is not a request: " + attempt.statement());
    }
    RequestSql.Planned made =
        requests.of(persona.tokensRole(), request.group(1), request.group(2), request.group(3));
    try (PreparedStatement statement = connection.prepareStatement(made.text())) {
      int next = 0;
      for (Object value : made.values()) {
        statement.setObject(++next, value);
      }
      try (ResultSet result = statement.executeQuery()) {
        return result.next() ? Long.parseLong(result.getString(1)) : 0;
      }
    }
  }

  /** The row as the owner sees it, for a DAO. */
  private Object rowFor(Attempt attempt, Persona persona) {
    Matcher call = daoCall(attempt);
    DAO<?, ?, ?> dao = dao(call);
    return DSL.using(jooq)
        .selectFrom(dao.getTable())
        .where(condition(call, persona))
        .limit(1)
        .fetchOptionalInto(dao.getType())
        .orElseThrow(() -> new IllegalArgumentException("No row in the scene for: " + attempt));
  }

  private long rows(Attempt attempt, Persona persona, Object row) {
    Matcher call = daoCall(attempt);
    @SuppressWarnings("unchecked") // the row was read with the type of this DAO
    DAO<?, Object, ?> dao = (DAO<?, Object, ?>) dao(call);
    switch (call.group(2)) {
      case "insert" -> dao.insert(row);
      case "update" -> dao.update(row);
      case "delete" -> dao.delete(row);
      default -> {
        return fetched(dao, call, persona);
      }
    }
    return 1;
  }

  private long fetched(DAO<?, Object, ?> dao, Matcher call, Persona persona) {
    return DSL.using(dao.configuration())
        .selectFrom(dao.getTable())
        .where(condition(call, persona))
        .fetchInto(dao.getType())
        .size();
  }

  private org.jooq.Condition condition(Matcher call, Persona persona) {
    return DSL.condition(call.group(3) + " = " + scene.spell(call.group(4), persona));
  }

  private static Matcher daoCall(Attempt attempt) {
    Matcher call = DAO_CALL.matcher(attempt.statement());
    if (!call.matches() || !DAOS.containsKey(call.group(1))) {
      throw new IllegalArgumentException("This is not a call of a DAO: " + attempt.statement());
    }
    return call;
  }

  private DAO<?, ?, ?> dao(Matcher call) {
    Function<Configuration, DAO<?, ?, ?>> made = DAOS.get(call.group(1));
    if (made == null) {
      throw new IllegalArgumentException("There is no " + call.group(1) + "Dao");
    }
    return made.apply(jooq);
  }

  private void demandOwner() throws SQLException {
    String owns =
        ask(
            connection,
            "select pg_has_role(c.relowner, 'usage') from pg_catalog.pg_class c"
                + " where c.oid = to_regclass('chat.settings')");
    if (owns == null) {
      throw new IllegalStateException("This database has no chat: migrate it first.");
    }
    if (!owns.equals("t")) {
      throw new IllegalStateException(
          "To verify the policies, use the owner of the chat's tables: %s is not the owner."
              .formatted(ask(connection, "select session_user")));
    }
  }

  /**
   * Lets the owner take the roles, where it may grant them to itself; rolled back with the rest.
   */
  static void becomeAble(Connection connection) throws SQLException {
    boolean since16 = connection.getMetaData().getDatabaseMajorVersion() >= 16;
    List<String> missing = new ArrayList<>();
    for (String name : Arrays.stream(Persona.values()).map(Persona::role).distinct().toList()) {
      String mayBecome =
          ask(
              connection,
              "select pg_has_role(session_user, r.oid, '%s') from pg_catalog.pg_roles r where r.rolname = '%s'"
                  .formatted(since16 ? "set" : "member", name));
      if ("t".equals(mayBecome)) {
        continue;
      }
      try (Statement statement = connection.createStatement()) {
        statement.execute("savepoint able");
        try {
          statement.execute(
              "grant %s to session_user%s"
                  .formatted(name, since16 ? " with inherit false, set true" : ""));
        } catch (SQLException e) {
          statement.execute("rollback to savepoint able");
          missing.add(name);
        }
      }
    }
    if (!missing.isEmpty()) {
      throw new IllegalStateException(
          "To verify the policies, %s must be able to take the role %s: grant %s to %s, or use another login."
              .formatted(
                  ask(connection, "select session_user"),
                  String.join(", ", missing),
                  String.join(", ", missing),
                  ask(connection, "select quote_ident(session_user)")));
    }
  }

  private static @Nullable String ask(Connection connection, String query) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(query)) {
      return result.next() ? result.getString(1) : null;
    }
  }
}
