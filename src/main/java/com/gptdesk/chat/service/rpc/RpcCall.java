package com.gptdesk.chat.service.rpc;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A statement that calls a function, of which the first question mark stands for the arguments.
 *
 * @param more what stands for the others
 * @param callsOthers whether functions of an operator are called for what is wanted of the result
 * @param timeout how long it may take; null for what holds on the connection
 */
record RpcCall(
    String statement, List<Object> more, boolean callsOthers, @Nullable Duration timeout) {

  /** The whole result. */
  static RpcCall plain(String statement) {
    return new RpcCall(statement, List.of(), false, null);
  }

  /** Whether a part of the result is wanted. */
  boolean isShaped() {
    return timeout != null;
  }
}
