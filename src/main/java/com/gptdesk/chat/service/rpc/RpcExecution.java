package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.database.CallResult;
import com.gptdesk.chat.database.CallSettings;
import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.service.auth.Identity;
import com.gptdesk.chat.service.http.Reply;
import com.gptdesk.chat.service.replica.ReadReplica;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.postgresql.replication.LogSequenceNumber;

/**
 * Calls the database, or its replica where that may answer. Writes to one conversation are queued;
 * messages go together while the database is busy.
 */
final class RpcExecution {
  /** What {@code chat.send_messages} knows of the arguments of {@code send_message}. */
  static final Set<String> ARGUMENTS_OF_SEND =
      Set.of(
          "conversation_id",
          "content",
          "message_type",
          "id",
          "file_url",
          "file_name",
          "file_size",
          "metadata",
          "written_at");

  private final DatabaseCall database;
  private final @Nullable ReadReplica replica;
  private final ConversationQueue queue = new ConversationQueue();
  private final MessageBatches batches;
  private final Runnable committed;

  /**
   * @param committed told of each commit of a call that writes
   */
  RpcExecution(
      DatabaseCall database,
      @Nullable ReadReplica replica,
      BatchLimits limits,
      Runnable committed) {
    this(database, replica, together -> new MessageBatches(together, limits), committed);
  }

  RpcExecution(
      DatabaseCall database,
      @Nullable ReadReplica replica,
      Function<MessageBatches.Database, MessageBatches> batches,
      Runnable committed) {
    this.database = database;
    this.replica = replica;
    this.committed = committed;
    this.batches = batches.apply(this::sendTogether);
  }

  /** Messages that are sent together. */
  MessageBatches batches() {
    return batches;
  }

  /** Runs the statement for this function. */
  Reply perform(
      Identity identity,
      RpcRequest request,
      CallableFunction function,
      RpcArguments arguments,
      CallPreferences preferences,
      RpcCall call) {
    String statement = call.statement();
    LogSequenceNumber position = request.mustShow();
    String json = arguments.json(function);
    Function<@Nullable String, Reply> answer =
        result ->
            preferences.applied(
                RpcResponse.of(
                    request, function, arguments.shape(), call.isCounted(), preferences, result));
    boolean isOurs = function.isOurs();
    if (!isOurs
        || call.isShaped()
        || preferences.timezone() != null
        || preferences.rollsBack()
        || preferences.maxAffected() != null) {
      return performWith(
          new CallSettings(
              !isOurs || call.callsOthers(),
              values(request, preferences, isOurs, call),
              preferences.rollsBack()),
          identity,
          function,
          position,
          isOurs ? arguments.conversation() : null,
          call,
          json,
          result -> {
            Reply reply = answer.apply(result.json());
            return isOurs ? reply : OwnResponse.of(reply, result);
          });
    }
    if (function.writes()) {
      Supplier<Reply> write =
          () -> answer.apply(write(identity, request, function, arguments, statement, json));
      return replica == null ? write.get() : writeBesideReplica(replica, identity, write);
    }
    ReadReplica.Answer read =
        replica == null
            ? null
            : replica.call(identity.caller(), identity.userId(), position, statement, json);
    return answer.apply(
        read != null ? read.json() : database.call(identity.caller(), true, statement, json));
  }

  private static Map<String, String> values(
      RpcRequest request, CallPreferences preferences, boolean isOurs, RpcCall call) {
    Map<String, String> values = new LinkedHashMap<>();
    if (!isOurs || call.callsOthers()) {
      values.putAll(request.settings());
    }
    if (preferences.timezone() != null) {
      values.put("timezone", preferences.timezone());
    }
    Duration timeout = call.timeout();
    if (timeout != null) {
      values.put("statement_timeout", String.valueOf(timeout.toMillis()));
    }
    return values;
  }

  /** The answer is made before the commit, so a result that cannot be answered changes nothing. */
  private Reply performWith(
      CallSettings settings,
      Identity identity,
      CallableFunction function,
      @Nullable LogSequenceNumber position,
      @Nullable String conversation,
      RpcCall call,
      String json,
      Function<CallResult, Reply> answer) {
    String statement = call.statement();
    List<Object> more = call.more();
    Caller caller = identity.caller();
    if (function.writes()) {
      Supplier<Reply> inTurn =
          () -> {
            Reply reply = database.callWith(caller, false, settings, statement, json, more, answer);
            committed.run();
            return reply;
          };
      Supplier<Reply> write = () -> queue.inTurn(conversation, inTurn);
      return replica == null ? write.get() : writeBesideReplica(replica, identity, write);
    }
    Reply read =
        replica == null
            ? null
            : replica.callWith(
                caller, identity.userId(), position, settings, statement, json, more, answer);
    return read != null
        ? read
        : database.callWith(caller, true, settings, statement, json, more, answer);
  }

  private @Nullable String write(
      Identity identity,
      RpcRequest request,
      CallableFunction function,
      RpcArguments arguments,
      String statement,
      String json) {
    String conversation = arguments.conversation();
    UUID person = identity.userId();
    Supplier<@Nullable String> alone =
        () -> queue.inTurn(conversation, () -> callAlone(identity, statement, json));
    return conversation != null
            && person != null
            && canGoTogether(function, arguments)
            && identity.role() == Caller.Role.AUTHENTICATED
        ? batches.send(
            person, identity.caller(), conversation, json, request.body().remaining(), alone)
        : alone.get();
  }

  /** An operator's function of the same name has other arguments. */
  private static boolean canGoTogether(CallableFunction function, RpcArguments given) {
    return function.name().equals("send_message")
        && function.argumentNames().containsAll(ARGUMENTS_OF_SEND)
        && ARGUMENTS_OF_SEND.containsAll(given.names());
  }

  private @Nullable String callAlone(Identity identity, String statement, String json) {
    String answer = database.call(identity.caller(), false, statement, json);
    committed.run();
    return answer;
  }

  private @Nullable List<@Nullable String> sendTogether(List<Caller> callers, List<String> calls) {
    List<@Nullable String> answers = database.sendTogether(callers, calls);
    if (answers != null) {
      committed.run();
    }
    return answers;
  }

  /** The caller's next read must show this write, even after a failure. */
  private static Reply writeBesideReplica(
      ReadReplica replica, Identity identity, Supplier<Reply> write) {
    Reply reply;
    try {
      reply = write.get();
    } catch (RuntimeException e) {
      replica.requireFresh(identity.userId()); // a commit is valid even when its answer was lost
      throw e;
    }
    LogSequenceNumber position = replica.written(identity.userId());
    return position == null ? reply : reply.withHeader(RpcRequest.POSITION, position.asString());
  }
}
