package com.gptdesk.chat.service.realtime.socket;

import com.gptdesk.chat.relay.Audience;
import com.gptdesk.chat.service.realtime.channel.Channel;
import com.gptdesk.chat.service.realtime.channel.Dismissal;
import com.gptdesk.chat.service.realtime.channel.FailureReason;
import com.gptdesk.chat.service.realtime.channel.Rights;
import com.gptdesk.chat.service.realtime.channel.UserChannels;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The users of one socket's channels. A user is added with the first channel, when their rights are
 * read, and removed with the last. Owned by the socket's context.
 */
final class UserFeeds {
  private static final Logger LOG = LoggerFactory.getLogger(UserFeeds.class);

  private final SharedParts shared;
  private final SocketWriter writer;
  private final Inbox inbox;
  private final UserChannels.Listener listener;
  private final Dismissal dismissal;
  private final Map<UUID, UserChannels> users = new HashMap<>();

  /**
   * @param listener handles the users' changes
   * @param dismissal ends the channels of a user who is removed
   */
  UserFeeds(
      SharedParts shared,
      SocketWriter writer,
      UserChannels.Listener listener,
      Dismissal dismissal) {
    this.shared = shared;
    this.writer = writer;
    this.inbox = new Inbox(writer, shared.settings().queues().maxChanges());
    this.listener = listener;
    this.dismissal = dismissal;
  }

  /** Gives a channel the rights of its identity, or the reason why not. */
  void admit(Channel channel, UserChannels.Admission admission) {
    UUID userId = channel.identity().isAnonymous() ? null : channel.identity().userId();
    if (userId == null) {
      admission.refused(
          channel.subscriptions().isEmpty()
              ? "Unauthorized: the topic needs the token of a user: " + channel.name()
              : "Unauthorized: postgres_changes need the token of a user");
      return;
    }
    UserChannels known = users.get(userId);
    if (known == null && !shared.users().enter(userId)) {
      admission.refused(
          "ConnectionRateLimitReached: At most "
              + shared.settings().sockets().maxConnectionsPerUser()
              + " connections of one user");
      return;
    }
    UserChannels user = known != null ? known : arrive(userId);
    var adding =
        new UserChannels.Admission() {
          @Override
          public void admitted() {
            user.add(channel);
            admission.admitted();
          }

          @Override
          public void refused(String reason) {
            admission.refused(reason);
          }
        };
    if (!channel.membership().isKnown()) {
      user.whenKnown(adding);
      return;
    }
    // Subscribes first and reads then, so that the deletion of a conversation in between is not
    // missed.
    user.expect(channel);
    writer.offEventLoop(
        () -> {
          shared.fanOut().awaitSubscribed(Set.of(Audience.user(userId)));
          return shared.topics().topics().audiences(channel.name());
        },
        found -> {
          channel.membership().isUsableBy(found);
          user.whenKnown(adding);
        },
        e -> {
          user.expectNoMore();
          releaseIfIdle(user);
          admission.refused(FailureReason.of(e));
        });
  }

  /** Registers first and reads then, so that a change of rights in between is not missed. */
  private UserChannels arrive(UUID userId) {
    var user = new UserChannels(userId, shared.payloads(), inbox, listener);
    users.put(userId, user);
    shared.fanOut().add(user, Set.of(Audience.user(userId)));
    readRights(user);
    return user;
  }

  /** Reads this user's audiences, and holds events until they are known. */
  void readRights(UserChannels user) {
    user.unknown();
    writer.offEventLoop(
        () -> hearRights(user),
        found -> rightsRead(user, found),
        e -> {
          writer.named(
              () ->
                  LOG.warn(
                      "The rights of user {} could not be read; the client joins again",
                      user.userId(),
                      e));
          depart(user, FailureReason.of(e), true);
        });
  }

  /**
   * Reads this user's audiences and subscribes to them. What is read from the database after that
   * joins the changes without a gap.
   */
  private Collection<Audience> hearRights(UserChannels user) {
    shared.fanOut().awaitSubscribed(Set.of(Audience.user(user.userId())));
    Collection<Audience> found = shared.audiences().of(user.userId());
    shared.fanOut().resubscribe(user, found);
    shared.fanOut().awaitSubscribed(found);
    return found;
  }

  private void rightsRead(UserChannels user, Collection<Audience> found) {
    if (users.get(user.userId()) != user) {
      return; // The user left meanwhile.
    }
    if (found.isEmpty()) {
      depart(user, "Unauthorized: this user may not use the chat", false);
      return;
    }
    user.known(found);
  }

  /** Ends all channels with this user's rights; the client may rejoin or not. */
  private void depart(UserChannels user, String reason, boolean comesBack) {
    if (users.remove(user.userId(), user)) {
      forget(user);
    }
    List<Channel> channels = List.copyOf(user.channels());
    channels.forEach(user::remove);
    channels.forEach(channel -> dismissal.dismiss(channel, reason, comesBack));
    user.leave(reason);
  }

  /** The channel no longer has a user's rights. */
  void detach(Channel channel) {
    Rights rights = channel.rights();
    UserChannels user = rights == null ? null : users.get(rights.userId());
    if (user != null) {
      user.remove(channel);
      releaseIfIdle(user);
    }
  }

  private void releaseIfIdle(UserChannels user) {
    if (user.isIdle() && users.remove(user.userId(), user)) {
      forget(user);
      user.leave("left");
    }
  }

  private void forget(UserChannels user) {
    shared.fanOut().remove(user);
    shared.users().exit(user.userId());
  }

  /** The socket has ended. */
  void end() {
    inbox.close();
    for (UserChannels user : new HashSet<>(users.values())) {
      forget(user);
      user.leave("the socket is closed");
    }
    users.clear();
  }
}
