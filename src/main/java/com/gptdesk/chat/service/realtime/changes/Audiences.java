package com.gptdesk.chat.service.realtime.changes;

import com.gptdesk.chat.database.AudienceIds;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.relay.Audience;
import java.util.Collection;
import java.util.UUID;

/** Reads from the database which audiences a person belongs to. */
@FunctionalInterface
public interface Audiences {
  /**
   * The audiences that this person belongs to: the person's own and the team's. Empty for a person
   * who is unknown or may not use the chat. Blocks; called on virtual threads.
   */
  Collection<Audience> of(UUID userId);

  /** Reads from this database. */
  static Audiences in(ChatDatabase database) {
    return userId -> {
      AudienceIds audience = database.audienceOf(userId);
      return Audience.of(audience.people(), audience.teams());
    };
  }
}
