package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.service.auth.Identity;
import com.gptdesk.chat.service.http.Reply;
import com.gptdesk.chat.service.replica.ReadReplica;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.postgresql.replication.LogSequenceNumber;

/**
 * Calls the database, or its replica where that may answer. Writes to one conversation are queued.
 */
final class RpcExecution {
  private final DatabaseCall database;
  private final @Nullable ReadReplica replica;
  private final ConversationQueue queue = new ConversationQueue();

  RpcExecution(DatabaseCall database, @Nullable ReadReplica replica) {
    this.database = database;
    this.replica = replica;
  }

  /** Runs the catalogue's statement for this function. */
  Reply perform(
      Identity identity,
      RpcRequest request,
      CallableFunction function,
      RpcArguments arguments,
      String statement) {
    boolean asObject = request.wantsObject();
    LogSequenceNumber position = request.mustShow();
    String json = arguments.json(function);
    if (function.writes()) {
      return queue.inTurn(
          arguments.conversation(),
          () -> write(identity, request, function, asObject, arguments.shape(), statement, json));
    }
    ReadReplica.Answer answer =
        replica == null
            ? null
            : replica.call(identity.caller(), identity.userId(), position, statement, json);
    return RpcResponse.of(
        request,
        function,
        asObject,
        arguments.shape(),
        answer != null ? answer.json() : database.call(identity.caller(), true, statement, json));
  }

  private Reply write(
      Identity identity,
      RpcRequest request,
      CallableFunction function,
      boolean asObject,
      RpcShape shape,
      String statement,
      String json) {
    Supplier<Reply> write =
        () ->
            RpcResponse.of(
                request,
                function,
                asObject,
                shape,
                database.call(identity.caller(), false, statement, json));
    return replica == null ? write.get() : writeBesideReplica(replica, identity, write);
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
