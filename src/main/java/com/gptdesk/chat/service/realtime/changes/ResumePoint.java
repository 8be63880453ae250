package com.gptdesk.chat.service.realtime.changes;

import java.util.UUID;

/**
 * Where a subscription resumes, as given by {@code since}.
 *
 * @param revision the highest revision that the client has
 */
public record ResumePoint(UUID conversation, long revision) {
  /** The only table whose rows have revisions to resume from. */
  public static final String TABLE = "user_messages";
}
