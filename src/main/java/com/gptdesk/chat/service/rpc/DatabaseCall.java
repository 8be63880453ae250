package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.service.database.ServiceDatabase;
import org.jspecify.annotations.Nullable;

/** Calls a function of the database; see {@link ServiceDatabase#call}. */
@FunctionalInterface
public interface DatabaseCall {
  /** Runs a statement of the catalogue as the caller; returns JSON text, null for void. */
  @Nullable String call(Caller caller, boolean readOnly, String statement, String argumentsJson);
}
