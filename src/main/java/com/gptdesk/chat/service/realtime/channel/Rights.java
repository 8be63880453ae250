package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.relay.Audience;
import com.gptdesk.chat.service.realtime.changes.ChangePayload;
import java.util.Set;
import java.util.UUID;

/** The rights that decide which changes a channel receives. Owned by the socket's context. */
public interface Rights {
  /** The user who has them. */
  UUID userId();

  /** The audiences of the user, as read last. */
  Set<Audience> audiences();

  /** Whether this change may be delivered now; rights may have changed since it arrived. */
  boolean maySee(ChangePayload data);
}
