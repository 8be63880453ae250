package com.gptdesk.chat.realtime;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.internal.relay.Routines;
import java.util.Collection;
import java.util.List;
import java.util.UUID;

/** Asks the database what a person may hear of. */
@FunctionalInterface
public interface Scopes {
  /**
   * The ids that stand for what this person may see: the person's own and the team's. Empty when
   * there is no such person, or none who may use the chat. Blocks; called on virtual threads.
   */
  Collection<UUID> of(UUID userId);

  /** Asks this database. */
  static Scopes in(ChatDatabase database) {
    return userId ->
        List.of(
            database.reading(Caller.relay(), tx -> Routines.scopesOf(tx.configuration(), userId)));
  }
}
