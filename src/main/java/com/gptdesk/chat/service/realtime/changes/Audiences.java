package com.gptdesk.chat.service.realtime.changes;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.internal.relay.Routines;
import com.gptdesk.chat.relay.Scope;
import java.util.Collection;
import java.util.UUID;

/** Asks the database what a person may hear of. */
@FunctionalInterface
public interface Audiences {
  /**
   * What this person may hear of: the person's own changes and the team's. Empty when there is no
   * such person, or none who may use the chat. Blocks; called on virtual threads.
   */
  Collection<Scope> of(UUID userId);

  /** Asks this database. */
  static Audiences in(ChatDatabase database) {
    return userId ->
        database.reading(
            Caller.relay(),
            tx -> {
              var row = Routines.scopesOfPerson(tx.configuration(), userId).getFirst();
              return Scope.of(row.getScopes(), row.getTeamScopes());
            });
  }
}
