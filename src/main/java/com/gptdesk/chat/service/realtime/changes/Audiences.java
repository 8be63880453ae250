package com.gptdesk.chat.service.realtime.changes;

import com.gptdesk.chat.database.Audience;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.relay.Scope;
import java.util.Collection;
import java.util.UUID;

/** Reads from the database which scopes a person may see. */
@FunctionalInterface
public interface Audiences {
  /**
   * The scopes that this person may see: the person's own and the team's. Empty for a person who is
   * unknown or may not use the chat. Blocks; called on virtual threads.
   */
  Collection<Scope> of(UUID userId);

  /** Reads from this database. */
  static Audiences in(ChatDatabase database) {
    return userId -> {
      Audience audience = database.audienceOf(userId);
      return Scope.of(audience.people(), audience.teams());
    };
  }
}
