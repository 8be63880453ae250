package com.gptdesk.chat.database;

import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.database.internal.chat.Routines;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import java.util.function.Supplier;
import javax.sql.DataSource;
import org.jooq.Configuration;
import org.jooq.DSLContext;
import org.jspecify.annotations.Nullable;
import org.postgresql.replication.LogSequenceNumber;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The only way to the database. Everything runs in a transaction as somebody, with that person's
 * role and claims for exactly as long as it lasts, so row-level security always holds and nothing
 * stays on a pooled connection. Each needs nothing of the session but its transaction, so a pooler
 * that pools transactions (PgBouncer) may stand in between; with one older than 1.21 the URL says
 * {@code prepareThreshold=0}.
 *
 * <p>The login behind the connections must be a member of {@code chat_service} and own nothing
 * ({@link ServiceLogin#verify(DataSource)}). By itself it may read and write nothing of the chat,
 * so work on a connection of its own is refused with 42501.
 *
 * <p><b>Whose transaction.</b> On a {@link DataSource} each call is a transaction of its own: it
 * commits when the work returns and rolls back when the work throws. On a jOOQ {@link
 * Configuration} ({@link #on}) it is what {@code transactionResult} of that configuration makes it:
 * a transaction, or a savepoint in the one that is open. The {@link DSLContext} given to the work
 * belongs to that transaction: {@code tx.transaction(…)} inside it is a savepoint, and {@code
 * ChatDatabase.on(tx.configuration()).as(other, …)} is a savepoint as somebody else, after which
 * the first one goes on. A {@code ChatDatabase} on the same pool, called again inside the work and
 * on its thread, joins the transaction as a savepoint when it is for the same caller; for another
 * one it is refused with {@link IllegalStateException}, since a second connection may be one that
 * never comes.
 *
 * <p><b>Who is asking stays who is asking.</b> Work that sets the role, the claims, or ends the
 * transaction itself is stopped with {@link IllegalStateException} before the statement runs; what
 * still finds a way is noticed when the work returns, rolled back, and its result withheld. That
 * catches mistakes and injected SQL; it cannot hold code that has the connection and means it.
 *
 * <p>Nor does work leave anything on a pooled connection. After statements that do more than read
 * and write rows, and after work that took the bare connection, the session is wiped and the
 * connection closed rather than given back: some milliseconds, which queries and jOOQ's own changes
 * of rows do not cost. In a transaction of a team's own ({@link #on}) the session stays the team's.
 *
 * <p><b>Failures.</b> The database's no arrives as {@link Refusal}, an unreachable database as
 * {@link DatabaseUnavailable}, a fault as whatever it is; after each of them everything is undone.
 * On a data source, what may succeed the next time is tried again after a moment, three times in
 * all: a deadlock, a serialization failure, what a migration in between has changed, and a message
 * for whose month there is no partition, which is made first where the login may. So work must not
 * do anything else that cannot be repeated.
 *
 * <p>Blocking, on the caller's thread; for any number of threads at once.
 */
public class ChatDatabase {

  private static final Logger LOG = LoggerFactory.getLogger(ChatDatabase.class);
  private static final int TRIES = 3;
  private static final int MONTHS_AHEAD = 3;

  /**
   * Who was asking before, and at once who asks from now on: the columns from left to right. Also
   * without JIT, since a page is read sooner than its plan is compiled; a transaction that is not
   * ours keeps what it has.
   */
  private static final String ENTER =
      "select current_setting('role'), current_setting('request.jwt.claims', true),"
          + " set_config('transaction_read_only',"
          + " case when {0} then 'on' else current_setting('transaction_read_only') end, true),"
          + " set_config('jit', case when {3} then current_setting('jit') else 'off' end, true),"
          + " set_config('request.jwt.claims', {1}, true), set_config('role', {2}, true)";

  private static final String LEAVE =
      "select current_setting('role'), current_setting('request.jwt.claims', true),"
          + " set_config('role', {0}, {2}), set_config('request.jwt.claims', {1}, {2}),"
          + " pg_catalog.pg_my_temp_schema() <> 0";

  private static final String SEND_TOGETHER =
      "select a.answer from chat.send_messages(?, ?) with ordinality a (answer, place) order by a.place";

  /** chat.enter has left a path in which only PostgreSQL's own names are found. */
  private static final String FIND_PUBLIC =
      "select set_config('search_path', 'public, pg_temp', true)"
          + " where not (has_schema_privilege('anon', 'public', 'create')"
          + " or has_schema_privilege('authenticated', 'public', 'create')"
          + " or has_schema_privilege('service_role', 'public', 'create')); ";

  /**
   * Ends what is sent together inside a transaction. From PostgreSQL 18 on the server reports a
   * path that differs from the session's, and the driver then forgets all that it has prepared.
   */
  private static final String OWN_PATH = "; set local search_path to default";

  private static final String RESPONSE =
      "; select nullif(pg_catalog.current_setting('response.status', true), ''),"
          + " nullif(pg_catalog.current_setting('response.headers', true), '')";

  private final Transactions transactions;
  private final @Nullable ClaimsSigner signer;

  /**
   * To the database of these connections; each call is a transaction of its own.
   *
   * @param dataSource a pool, or what makes a connection each time
   */
  public ChatDatabase(DataSource dataSource) {
    this(dataSource, null);
  }

  /**
   * For a subclass that gives the service what no other program needs.
   *
   * @param dataSource a pool, or what makes a connection each time
   * @param signer as of {@link #signedBy}
   */
  protected ChatDatabase(DataSource dataSource, @Nullable ClaimsSigner signer) {
    this(new OwnTransactions(dataSource), signer);
  }

  private ChatDatabase(Transactions transactions, @Nullable ClaimsSigner signer) {
    this.transactions = transactions;
    this.signer = signer;
  }

  /**
   * The same, to a database that believes signed claims alone ({@code
   * chat.settings.claims_secret}).
   *
   * @param signer knows the same secret; null for a database that believes all claims
   * @return one that signs
   */
  public ChatDatabase signedBy(@Nullable ClaimsSigner signer) {
    return new ChatDatabase(transactions, signer);
  }

  private Caller signed(Caller caller) {
    return signer == null ? caller : new Caller(caller.role(), signer.sign(caller.claims()));
  }

  /**
   * In a team's own jOOQ: its connections, its transaction provider, its settings and listeners.
   *
   * <p>Where a transaction is open, the configuration's own or that of the connection it was made
   * with, the work is a savepoint in it and the commit stays with whoever opened it: a message and
   * an order are stored together or not at all. After the work the role and claims of before hold
   * again. Nothing is tried again, since the transaction is not ours.
   *
   * @param configuration of dialect PostgreSQL
   * @return as safe for threads as the configuration is
   */
  public static ChatDatabase on(Configuration configuration) {
    return new ChatDatabase(new JoinedTransactions(configuration), null);
  }

  /**
   * For a framework that binds a transaction to its thread, as Spring does.
   *
   * <p>Where the thread has a transaction open, the work is a savepoint in it, as with {@link
   * #on(Configuration)}; otherwise each call is a transaction of its own.
   *
   * @param dataSource a pool
   * @param open asked at each call: the connection of the transaction that this thread has open;
   *     null for none
   * @return for any number of threads at once
   */
  public static ChatDatabase joining(
      DataSource dataSource, Supplier<? extends @Nullable Connection> open) {
    return new ChatDatabase(new ThreadTransactions(dataSource, open), null);
  }

  /**
   * Runs the work in one transaction as that person.
   *
   * @param <T> of the result
   * @param user the person's id, a token's {@code sub}; who is unknown or inactive sees nothing
   * @param work what to do; the context holds until it returns
   * @return what the work returned
   */
  public <T extends @Nullable Object> T as(UUID user, Function<DSLContext, T> work) {
    return as(Caller.user(user), work);
  }

  /**
   * Runs the work in one transaction as that caller.
   *
   * @param <T> of the result
   * @param caller who it is
   * @param work what to do; the context holds until it returns
   * @return what the work returned
   */
  public <T extends @Nullable Object> T as(Caller caller, Function<DSLContext, T> work) {
    return transact(caller, false, work);
  }

  /**
   * Runs the work in one transaction as one of GPT Desk's own servers ({@code service_role}), who
   * sees all conversations.
   *
   * @param <T> of the result
   * @param work what to do; the context holds until it returns
   * @return what the work returned
   */
  public <T extends @Nullable Object> T asService(Function<DSLContext, T> work) {
    return as(Caller.service(), work);
  }

  /**
   * Runs the work in one transaction as somebody without a name ({@code anon}), who sees nothing of
   * the chat.
   *
   * @param <T> of the result
   * @param work what to do; the context holds until it returns
   * @return what the work returned
   */
  public <T extends @Nullable Object> T anonymous(Function<DSLContext, T> work) {
    return as(Caller.anonymous(), work);
  }

  /**
   * As {@link #as(UUID, Function)}, in a transaction that refuses to write (25006).
   *
   * @param <T> of the result
   * @param user the person's id
   * @param work what to do; the context holds until it returns
   * @return what the work returned
   */
  public <T extends @Nullable Object> T reading(UUID user, Function<DSLContext, T> work) {
    return reading(Caller.user(user), work);
  }

  /**
   * As {@link #as(Caller, Function)}, in a transaction that refuses to write (25006): {@code
   * reading(Caller.service(), …)}.
   *
   * @param <T> of the result
   * @param caller who it is
   * @param work what to do; the context holds until it returns
   * @return what the work returned
   */
  public <T extends @Nullable Object> T reading(Caller caller, Function<DSLContext, T> work) {
    return transact(caller, true, work);
  }

  /**
   * Whose changes a person may hear, as the relay asks.
   *
   * @param user the person's id
   * @return nobody's for who may not use the chat
   */
  public AudienceIds audienceOf(UUID user) {
    return reading(
        Caller.relay(),
        tx -> {
          var row =
              com.gptdesk.chat.database.internal.relay.Routines.audienceOfPerson(
                      tx.configuration(), user)
                  .getFirst();
          return new AudienceIds(listOf(row.getAudience()), listOf(row.getTeamAudience()));
        });
  }

  private static List<UUID> listOf(UUID @Nullable [] ids) {
    return ids == null ? List.of() : List.of(ids);
  }

  /**
   * The relay, which reads the change log.
   *
   * @return that caller
   */
  protected static Caller relay() {
    return Caller.relay();
  }

  /**
   * Runs the work as the login itself, in a transaction that refuses to write. The login may read
   * no table; this is for the few functions of schema chat that say what can be called.
   *
   * @param <T> of the result
   * @param work what to do; the context holds until it returns
   * @return what the work returned
   */
  protected <T extends @Nullable Object> T asItself(Function<DSLContext, T> work) {
    ChatDatabase open = openFor(null);
    if (open != null) {
      return open.asItself(work);
    }
    return withRetries(
        () ->
            transactions.run(
                tx -> {
                  tx.execute("set transaction read only");
                  return OpenWork.during(
                      transactions.pool(), null, tx.configuration(), () -> work.apply(tx));
                }));
  }

  /**
   * Calls a function in one round trip, a transaction of its own.
   *
   * @param caller who calls
   * @param readOnly whether it must refuse to write
   * @param statement made by {@code chat.call_statement}, never by a client
   * @param argumentsJson a JSON object: the arguments by name
   * @return the result as JSON text; null for a function that returns nothing
   */
  protected @Nullable String call(
      Caller caller, boolean readOnly, String statement, String argumentsJson) {
    ChatDatabase open = openFor(caller);
    if (open != null) {
      return open.transact(
          caller, readOnly, tx -> tx.fetchSingle(statement, argumentsJson).get(0, String.class));
    }
    return withRetries(
        () ->
            transactions.single(
                connection -> {
                  try (PreparedStatement call =
                      connection.prepareStatement(entering(caller, readOnly, "") + statement)) {
                    call.setString(1, signed(caller).claims());
                    call.setString(2, argumentsJson);
                    return resultOf(call);
                  }
                }));
  }

  /**
   * As {@link #call} of what only reads, at a replica; refused when it has not replayed so much.
   *
   * @param caller who calls
   * @param position what the replica must have replayed
   * @param statement made by {@code chat.call_statement}, never by a client
   * @param argumentsJson a JSON object: the arguments by name
   * @return the result as JSON text; null for a function that returns nothing
   */
  protected @Nullable String callWhenReplayed(
      Caller caller, LogSequenceNumber position, String statement, String argumentsJson) {
    return withRetries(
        () ->
            transactions.single(
                connection -> {
                  try (PreparedStatement call =
                      connection.prepareStatement(
                          entering(caller, true, ", ?::pg_lsn") + statement)) {
                    call.setString(1, signed(caller).claims());
                    call.setString(2, position.asString());
                    call.setString(3, argumentsJson);
                    return resultOf(call);
                  }
                }));
  }

  /**
   * Calls a function with settings of its own, in a transaction that ends with the answer: what is
   * thrown while the answer is made undoes it, too. Never inside other work, whose transaction it
   * does not join.
   *
   * @param <T> of the answer
   * @param caller who calls
   * @param readOnly whether it must refuse to write
   * @param position what a replica must have replayed; null at the primary
   * @param settings what holds while it runs
   * @param statement made by {@code chat.call_statement}, never by a client
   * @param argumentsJson a JSON object: the arguments by name
   * @param more what stands for the other question marks
   * @param answer makes the answer of the result; called again when the call is repeated
   * @return the answer
   */
  protected <T> T callWith(
      Caller caller,
      boolean readOnly,
      @Nullable LogSequenceNumber position,
      CallSettings settings,
      String statement,
      String argumentsJson,
      List<?> more,
      Function<CallResult, T> answer) {
    String text =
        entering(caller, readOnly, position == null ? "" : ", ?::pg_lsn")
            + settings.statement()
            + (settings.findsPublic() ? FIND_PUBLIC : "")
            + statement
            + RESPONSE
            + OWN_PATH;
    return withRetries(
        () ->
            transactions.single(
                connection ->
                    inTransaction(
                        connection,
                        settings.rollsBack(),
                        () -> {
                          try (PreparedStatement call = connection.prepareStatement(text)) {
                            int next = 0;
                            call.setString(++next, signed(caller).claims());
                            if (position != null) {
                              call.setString(++next, position.asString());
                            }
                            for (String value : settings.values().values()) {
                              call.setString(++next, value);
                            }
                            call.setString(++next, argumentsJson);
                            for (Object value : more) {
                              call.setObject(++next, value);
                            }
                            call.execute();
                            passSettings(call, settings);
                            return answer.apply(resultAndResponseOf(call));
                          }
                        })));
  }

  /** Goes on to the result of the statement itself. */
  private static void passSettings(PreparedStatement call, CallSettings settings)
      throws SQLException {
    call.getMoreResults(); // the first is of chat.enter
    if (!settings.values().isEmpty()) {
      call.getMoreResults();
    }
    if (settings.findsPublic()) {
      call.getMoreResults();
    }
  }

  private static CallResult resultAndResponseOf(PreparedStatement call) throws SQLException {
    String json;
    try (ResultSet result = call.getResultSet()) {
      result.next();
      json = result.getString(1);
    }
    call.getMoreResults();
    try (ResultSet response = call.getResultSet()) {
      response.next();
      return new CallResult(json, response.getString(1), response.getString(2));
    }
  }

  private static <T> T inTransaction(Connection connection, boolean rollsBack, SqlWork<T> work)
      throws SQLException {
    boolean automatic = connection.getAutoCommit();
    connection.setAutoCommit(false);
    try {
      T result = work.get();
      if (rollsBack) {
        connection.rollback();
      } else {
        connection.commit();
      }
      return result;
    } catch (Throwable e) {
      try {
        connection.rollback();
      } catch (SQLException lost) {
        e.addSuppressed(lost);
      }
      throw e;
    } finally {
      if (!connection.isClosed()) {
        connection.setAutoCommit(automatic);
      }
    }
  }

  @FunctionalInterface
  private interface SqlWork<T> {
    T get() throws SQLException;
  }

  /**
   * Runs one statement as that caller, in a transaction of its own. A read takes one round trip.
   *
   * @param <T> of the result
   * @param caller who asks
   * @param readOnly whether it must refuse to write
   * @param timeout how long the statement may take; then {@link Refusal.Reason#TOO_SLOW}
   * @param settings whether it finds schema public, and whether it is undone afterwards
   * @param statement with question marks; its names are quoted, and no value stands in it
   * @param values what stands for the question marks
   * @param result makes the result of the one row, before a write is committed; what it throws
   *     undoes the write
   * @return the result
   */
  protected <T> T row(
      Caller caller,
      boolean readOnly,
      Duration timeout,
      CallSettings settings,
      String statement,
      List<?> values,
      Function<List<@Nullable String>, T> result) {
    return withRetries(
        () ->
            transactions.single(
                connection -> {
                  SqlWork<T> work =
                      () -> {
                        try (PreparedStatement call =
                            connection.prepareStatement(
                                entering(caller, readOnly, timeout)
                                    + settings.statement()
                                    + (settings.findsPublic() ? FIND_PUBLIC : "")
                                    + statement
                                    + (readOnly ? "" : OWN_PATH))) {
                          int next = 0;
                          call.setString(++next, signed(caller).claims());
                          for (String value : settings.values().values()) {
                            call.setString(++next, value);
                          }
                          for (Object value : values) {
                            call.setObject(++next, value);
                          }
                          return result.apply(rowOf(call, settings));
                        }
                      };
                  return readOnly
                      ? work.get()
                      : inTransaction(connection, settings.rollsBack(), work);
                }));
  }

  /**
   * Sends messages of several people in one round trip and one transaction. Each claim is checked
   * by the database as if it came alone.
   *
   * @param callers who sends each, in the role {@code authenticated}
   * @param calls of each the arguments of {@code send_message}, a JSON object
   * @return for each what {@link #call} would have returned, or null where it was not sent and is
   *     to be called alone; null for all when the database has undone the transaction
   */
  protected @Nullable List<@Nullable String> sendTogether(
      List<Caller> callers, List<String> calls) {
    return transactions.single(
        connection -> {
          try {
            return sendTogether(connection, callers, calls);
          } catch (SQLException e) {
            if (Refusal.isOfAnUndoneTransaction(e, connection)) {
              LOG.debug("A batch of {} messages was undone; they are sent alone", calls.size(), e);
              return null;
            }
            throw e;
          }
        });
  }

  private List<@Nullable String> sendTogether(
      Connection connection, List<Caller> callers, List<String> calls) throws SQLException {
    try (PreparedStatement call = connection.prepareStatement(SEND_TOGETHER)) {
      call.setArray(
          1,
          connection.createArrayOf(
              "text", callers.stream().map(caller -> signed(caller).claims()).toArray()));
      call.setArray(2, connection.createArrayOf("text", calls.toArray()));
      List<@Nullable String> answers = new ArrayList<>(calls.size());
      try (ResultSet rows = call.executeQuery()) {
        while (rows.next()) {
          answers.add(rows.getString(1));
        }
      }
      return answers;
    }
  }

  /**
   * What makes a connection somebody's until its transaction ends. The driver sends it and the next
   * statement together: one round trip, one transaction, each planned once. The role stands in the
   * text, so that a plan made for one role is used for no other.
   */
  private static String entering(Caller caller, boolean readOnly, String more) {
    return "select chat.enter(?, '%s', %s%s); ".formatted(caller.role().sqlName(), readOnly, more);
  }

  private static String entering(Caller caller, boolean readOnly, Duration timeout) {
    return "select chat.enter(?, '%s', %s), pg_catalog.set_config('statement_timeout', '%d', true); "
        .formatted(caller.role().sqlName(), readOnly, timeout.toMillis());
  }

  private static List<@Nullable String> rowOf(PreparedStatement call, CallSettings settings)
      throws SQLException {
    call.execute();
    passSettings(call, settings);
    try (ResultSet result = call.getResultSet()) {
      result.next();
      List<@Nullable String> row = new ArrayList<>();
      for (int i = 1; i <= result.getMetaData().getColumnCount(); i++) {
        row.add(result.getString(i));
      }
      return row;
    }
  }

  private static @Nullable String resultOf(PreparedStatement call) throws SQLException {
    call.execute();
    call.getMoreResults(); // the first is of chat.enter
    try (ResultSet result = call.getResultSet()) {
      result.next();
      return result.getString(1);
    }
  }

  private <T extends @Nullable Object> T transact(
      Caller caller, boolean readOnly, Function<DSLContext, T> work) {
    ChatDatabase open = openFor(caller);
    if (open != null) {
      return open.transact(caller, readOnly, work);
    }
    return withRetries(
        () ->
            transactions.run(
                tx -> {
                  Traces traces = Traces.of(tx.configuration());
                  boolean ofOuterWork = isWork(traces, false);
                  try {
                    return inside(tx, caller, readOnly, traces, work);
                  } finally {
                    isWork(traces, ofOuterWork);
                  }
                }));
  }

  private <T extends @Nullable Object> T inside(
      DSLContext tx,
      Caller caller,
      boolean readOnly,
      @Nullable Traces traces,
      Function<DSLContext, T> work) {
    Caller asking = signed(caller);
    Asking before = enter(tx, asking, readOnly);
    DSLContext kept = CallerGuard.keptIn(tx);
    isWork(traces, true);
    T result =
        OpenWork.during(transactions.pool(), caller, kept.configuration(), () -> work.apply(kept));
    isWork(traces, false);
    leave(tx, asking, before, traces);
    return result;
  }

  /** Joins the transaction that this thread has open on the same pool; null for none. */
  private @Nullable ChatDatabase openFor(@Nullable Caller caller) {
    OpenWork open = OpenWork.on(transactions.pool());
    return open == null ? null : on(open.joinedAs(caller)).signedBy(signer);
  }

  private static boolean isWork(@Nullable Traces traces, boolean now) {
    return traces != null && traces.isWork(now);
  }

  /** Who is asking, as the session's settings say. */
  private record Asking(@Nullable String role, @Nullable String claims) {}

  private Asking enter(DSLContext tx, Caller caller, boolean readOnly) {
    var row =
        tx.fetchSingle(
            ENTER, readOnly, caller.claims(), caller.role().sqlName(), transactions.endElsewhere());
    return new Asking(row.get(0, String.class), row.get(1, String.class));
  }

  /** Restores also what the work has set for the session, which would stay on the connection. */
  private void leave(DSLContext tx, Caller caller, Asking before, @Nullable Traces traces) {
    var row =
        tx.fetchSingle(
            LEAVE,
            before.role(),
            before.claims() == null ? "" : before.claims(),
            transactions.endElsewhere());
    if (traces != null && Boolean.TRUE.equals(row.get(4, Boolean.class))) {
      traces.found();
    }
    boolean same =
        caller.role().sqlName().equals(row.get(0, String.class))
            && caller.claims().equals(row.get(1, String.class));
    if (!same) {
      throw new IllegalStateException(
          "The work changed who is asking, or ended the transaction that said so; its result is withheld.");
    }
  }

  private <T extends @Nullable Object> T withRetries(Supplier<T> transaction) {
    for (int attempt = 1; ; attempt++) {
      try {
        return transaction.get();
      } catch (RuntimeException e) {
        RuntimeException meaning = Refusal.meaningOf(e);
        if (attempt == TRIES
            || !transactions.mayRepeat()
            || !isWorthARetry(meaning)
            || !pause(attempt)) {
          throw meaning;
        }
      }
    }
  }

  /** The same at each try, since one reason may follow another. */
  private boolean isWorthARetry(RuntimeException meaning) {
    return Refusal.isWorthARetry(meaning)
        || Refusal.isOfAMigration(meaning)
        || (meaning instanceof DatabaseUnavailable unavailable
            && unavailable.isPartitionMissing()
            && makePartitions(unavailable));
  }

  /**
   * What the service does ahead of time; false where it cannot be done. Where only others were
   * quicker or wrote all the time, the partition may be there at the next try.
   */
  private boolean makePartitions(DatabaseUnavailable reason) {
    try {
      int made =
          transactions.run(
              tx -> {
                enter(tx, signed(Caller.relay()), false);
                return Routines.ensureMessagePartitions(tx.configuration(), MONTHS_AHEAD);
              });
      LOG.warn("A message came for a month without a partition; made {}", made);
      return true;
    } catch (RuntimeException e) {
      reason.addSuppressed(e);
      return Refusal.isOfOthersLocks(Refusal.meaningOf(e));
    }
  }

  /** Lets the winner finish; false when there is no time because we are being stopped. */
  private static boolean pause(int attempt) {
    try {
      Thread.sleep(ThreadLocalRandom.current().nextLong(1, 20L << attempt));
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
