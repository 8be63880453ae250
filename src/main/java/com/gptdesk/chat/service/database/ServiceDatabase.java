package com.gptdesk.chat.service.database;

import com.gptdesk.chat.database.CallResult;
import com.gptdesk.chat.database.CallSettings;
import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.ClaimsSigner;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import javax.sql.DataSource;
import org.jooq.DSLContext;
import org.jspecify.annotations.Nullable;
import org.postgresql.replication.LogSequenceNumber;

/**
 * The database, with what the service needs and no other program: the relay's role, calls of
 * functions by a statement that the database made, and questions as the login itself.
 */
public final class ServiceDatabase extends ChatDatabase {

  /** The relay, which reads the change log and looks after presence and partitions. */
  public static final Caller RELAY = relay();

  private final DataSource dataSource;

  /** To a database that believes all claims. */
  public ServiceDatabase(DataSource dataSource) {
    this(dataSource, null);
  }

  private ServiceDatabase(DataSource dataSource, @Nullable ClaimsSigner signer) {
    super(dataSource, signer);
    this.dataSource = dataSource;
  }

  @Override
  public ServiceDatabase signedBy(@Nullable ClaimsSigner signer) {
    return new ServiceDatabase(dataSource, signer);
  }

  @Override
  public <T extends @Nullable Object> T asItself(Function<DSLContext, T> work) {
    return super.asItself(work);
  }

  @Override
  public @Nullable String call(
      Caller caller, boolean readOnly, String statement, String argumentsJson) {
    return super.call(caller, readOnly, statement, argumentsJson);
  }

  @Override
  public <T> T callWith(
      Caller caller,
      boolean readOnly,
      @Nullable LogSequenceNumber position,
      CallSettings settings,
      String statement,
      String argumentsJson,
      List<?> more,
      Function<CallResult, T> answer) {
    return super.callWith(
        caller, readOnly, position, settings, statement, argumentsJson, more, answer);
  }

  @Override
  public @Nullable List<@Nullable String> sendTogether(List<Caller> callers, List<String> calls) {
    return super.sendTogether(callers, calls);
  }

  @Override
  public <T> T row(
      Caller caller,
      boolean readOnly,
      Duration timeout,
      CallSettings settings,
      String statement,
      List<?> values,
      Function<List<@Nullable String>, T> result) {
    return super.row(caller, readOnly, timeout, settings, statement, values, result);
  }

  @Override
  public @Nullable String callWhenReplayed(
      Caller caller, LogSequenceNumber position, String statement, String argumentsJson) {
    return super.callWhenReplayed(caller, position, statement, argumentsJson);
  }
}
