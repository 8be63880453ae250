package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.relay.Scope;
import com.gptdesk.chat.service.realtime.changes.ChangePayload;
import java.util.Set;
import java.util.UUID;

/** The rights of the user by which a channel hears changes. Owned by the socket's context. */
public interface Rights {
  /** Whose rights they are. */
  UUID userId();

  /** What the user may hear, as it was known last. */
  Set<Scope> scopes();

  /** Whether this may be told now; rights may have changed since it arrived. */
  boolean maySee(ChangePayload data);
}
