package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.relay.Audience;
import com.gptdesk.chat.service.realtime.protocol.ClientMessage;
import java.util.Collection;
import org.jspecify.annotations.Nullable;

/**
 * Decides whether the channels of one socket may take part in their topics, at a join and when
 * rights change. Owned by the socket's context.
 */
public final class TopicAccess {
  private final Outbound outbound;
  private final PresenceHandler presence;

  /** Creates the access of one socket. */
  public TopicAccess(Outbound outbound, PresenceHandler presence) {
    this.outbound = outbound;
    this.presence = presence;
  }

  /** Why a channel cannot be joined with these rights; null when it can. */
  public static @Nullable String refusal(
      ClientMessage.Join join, TopicMembership membership, Rights rights) {
    if (membership.isFor(rights.audiences()) || !membership.isKnown()) {
      return null; // privateRefusal has looked at other names
    }
    // A channel with subscriptions still receives its user's changes. A channel only for the topic,
    // or with presence or privacy, would receive nothing.
    boolean needsTopic =
        join.subscriptions().isEmpty()
            || join.isPrivate()
            || Boolean.TRUE.equals(membership.config().presence());
    return needsTopic ? unauthorized(membership.topic()) : null;
  }

  /** Why a private channel of a name that nobody may use cannot be joined; null for any other. */
  public static @Nullable String privateRefusal(
      ClientMessage.Join join, TopicMembership membership) {
    return join.isPrivate() && !membership.isKnown() ? unauthorized(membership.topic()) : null;
  }

  private static String unauthorized(String topic) {
    return "Unauthorized: You do not have permissions to read from this Channel topic: " + topic;
  }

  /** After the reply to the join: the channel takes part in its topic if it may. */
  public void joined(Channel channel) {
    TopicMembership membership = channel.membership();
    Rights rights = channel.rights();
    if (rights != null && membership.isFor(rights.audiences())) {
      membership.admit();
      presence.admitted(channel);
      return;
    }
    if (membership.isKnown()) {
      refuse(channel, BroadcastHandler.BROADCAST);
    } else if (Boolean.TRUE.equals(membership.config().presence())) {
      refuse(channel, PresenceHandler.PRESENCE);
    }
  }

  /** The user's rights were read again. False when the channel has to end. */
  public boolean mayStay(Channel channel, Collection<Audience> audiences) {
    TopicMembership membership = channel.membership();
    boolean may = membership.isFor(audiences);
    if (may == membership.isAdmitted()) {
      return may || !channel.subscriptions().isEmpty();
    }
    if (may) {
      membership.admit();
      presence.admitted(channel);
      return true;
    }
    presence.expelled(channel);
    if (channel.subscriptions().isEmpty()) {
      return false;
    }
    refuse(channel, BroadcastHandler.BROADCAST);
    return true;
  }

  private void refuse(Channel channel, String extension) {
    outbound.write(channel.notice(extension, "error", channel.membership().unauthorized()));
  }
}
