package com.gptdesk.chat.realtime;

import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.Subscriber;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * One person on one socket: the channels that hear by this person's rights. A socket may carry
 * channels of several people; each hears what its own person may.
 *
 * <p>What the person may hear is read once and again whenever the log says that it changed. From
 * then on until it is known, changes are held, so that nothing is told that may no longer be seen,
 * or lost that may.
 *
 * <p>{@link #changed} and {@link #resync} are called by the relay's thread; everything else belongs
 * to the connection's context.
 */
final class Person implements Subscriber {
  /** Not a table of clients: a change of it says that this person's scopes may be others now. */
  private static final String CONTROL_TABLE = "users";

  /** Something heard, in the order of the log. */
  sealed interface Heard {
    Person person();
  }

  record Told(Person person, ChangeData data) implements Heard {}

  record Resync(Person person, String reason) implements Heard {}

  /** Who waits to know whether this person may hear anything. */
  interface Waiting {
    void admitted();

    void refused(String reason);
  }

  private final UUID id;
  private final ClientConnection connection;
  private final Set<Channel> channels = new HashSet<>();
  private final List<Waiting> waiting = new ArrayList<>();
  private final ArrayDeque<Heard> held = new ArrayDeque<>();

  /** Null while they are being read. */
  private @Nullable Set<UUID> scopes;

  private Set<UUID> lastScopes = Set.of();
  private boolean gone;

  Person(UUID id, ClientConnection connection) {
    this.id = id;
    this.connection = connection;
  }

  UUID id() {
    return id;
  }

  Set<Channel> channels() {
    return channels;
  }

  /** Whether nobody needs this person on this socket any more. */
  boolean isIdle() {
    return channels.isEmpty() && waiting.isEmpty();
  }

  @Override
  public void changed(Change change) {
    connection.hear(new Told(this, connection.server().dataOf(change)));
  }

  @Override
  public void resync(String reason) {
    connection.hear(new Resync(this, reason));
  }

  /** Tells whoever waits, now or when it is known. */
  void whenKnown(Waiting who) {
    if (scopes != null) {
      who.admitted();
    } else {
      waiting.add(who);
    }
  }

  /** The scopes are being read: hold what comes. */
  void unknown() {
    scopes = null;
  }

  /** They are known: let in who waited, then tell what was held. */
  void known(Collection<UUID> found) {
    boolean others = !lastScopes.isEmpty() && !lastScopes.equals(Set.copyOf(found));
    lastScopes = Set.copyOf(found);
    scopes = lastScopes;
    if (others) {
      // What the new scopes would have shown meanwhile went by unheard.
      channels.forEach(channel -> connection.tellResync(channel, "What you may see has changed."));
    }
    List<Waiting> admitted = List.copyOf(waiting);
    waiting.clear();
    admitted.forEach(Waiting::admitted);
    while (scopes != null && !gone && !held.isEmpty()) {
      tell(held.remove());
    }
  }

  /** This person hears nothing any more on this socket. */
  void leave(String reason) {
    gone = true;
    held.clear();
    List<Waiting> refused = List.copyOf(waiting);
    waiting.clear();
    refused.forEach(who -> who.refused(reason));
  }

  /** Takes what was heard, in order; returns how much of it is held. */
  int take(Heard heard) {
    if (!gone) {
      if (scopes == null) {
        held.add(heard);
      } else {
        tell(heard);
      }
    }
    return held.size();
  }

  private void tell(Heard heard) {
    switch (heard) {
      case Told told -> tell(told.data());
      case Resync resync ->
          channels.forEach(channel -> connection.tellResync(channel, resync.reason()));
    }
  }

  private void tell(ChangeData data) {
    Change change = data.change();
    if (change.table().equals(CONTROL_TABLE)) {
      connection.readScopes(this);
      return;
    }
    // It may have been handed over by scopes of before.
    if (!maySee(change)) {
      return;
    }
    for (Channel channel : channels) {
      String ids = channel.meets(data);
      if (ids != null) {
        connection.write(new ServerFrame.PostgresChanges(channel.topic(), ids, data.json()));
      }
    }
  }

  private boolean maySee(Change change) {
    Set<UUID> known = scopes;
    if (known == null) {
      return false;
    }
    for (UUID scope : change.scopes()) {
      if (known.contains(scope)) {
        return true;
      }
    }
    return false;
  }
}
