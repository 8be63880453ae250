package com.gptdesk.chat.service.rpc;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A statement that calls a function, of which the first question mark stands for the arguments.
 *
 * @param more what stands for the others
 * @param callsOthers whether an operator's functions or policies run for what is wanted of the
 *     result
 * @param isCounted whether the result is as {@link
 *     com.gptdesk.chat.service.rest.FunctionRows#statement} makes it
 * @param timeout how long it may take; null for what holds on the connection
 */
record RpcCall(
    String statement,
    List<Object> more,
    boolean callsOthers,
    boolean isCounted,
    @Nullable Duration timeout) {

  /** The whole result. */
  static RpcCall plain(String statement) {
    return new RpcCall(statement, List.of(), false, false, null);
  }

  /** The whole result, as far as an answer goes. */
  static RpcCall bounded(String statement, List<Object> more) {
    return new RpcCall(statement, more, false, true, null);
  }

  /** Whether a part of the result is wanted. */
  boolean isShaped() {
    return timeout != null;
  }
}
