package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.database.CallResult;
import com.gptdesk.chat.database.CallSettings;
import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.service.database.ServiceDatabase;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Calls a function of the database; see {@link ServiceDatabase#call}. */
@FunctionalInterface
public interface DatabaseCall {
  /** Runs a statement of the catalogue as the caller; returns JSON text, null for void. */
  @Nullable String call(Caller caller, boolean readOnly, String statement, String argumentsJson);

  /**
   * The same with settings of its own, in a transaction that ends when the answer is made; see
   * {@link ServiceDatabase#callWith}.
   *
   * @param more what stands for the statement's other question marks
   */
  default <T> T callWith(
      Caller caller,
      boolean readOnly,
      CallSettings settings,
      String statement,
      String argumentsJson,
      List<?> more,
      Function<CallResult, T> answer) {
    return answer.apply(
        new CallResult(call(caller, readOnly, statement, argumentsJson), null, null));
  }

  /**
   * Sends messages together, as {@link
   * com.gptdesk.chat.service.database.ServiceDatabase#sendTogether} does; null for all: alone.
   */
  default @Nullable List<@Nullable String> sendTogether(List<Caller> callers, List<String> calls) {
    return null;
  }
}
