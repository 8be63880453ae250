package com.gptdesk.chat.client;

import com.gptdesk.chat.database.AudienceIds;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.relay.Audience;
import com.gptdesk.chat.relay.FanOut;
import com.gptdesk.chat.relay.Relay;
import com.gptdesk.chat.relay.RelaySettings;
import com.gptdesk.chat.relay.listen.ListenDriver;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Flow;

/**
 * Delivers inside the JVM, by the same relay, the changes that browsers get over the WebSocket. A
 * program needs one of these. It holds two connections to the primary, not through a pooler in
 * transaction mode, and runs no query while nothing happens.
 *
 * <p>It reconnects by itself. While it is not connected it delivers nothing, and afterwards {@link
 * LiveEvent.Resync}.
 *
 * <p>Thread-safe. Close it to end all subscriptions.
 */
public final class LiveChanges implements AutoCloseable {

  /** How many changes wait for a slow subscriber before a resync replaces them. */
  public static final int DEFAULT_BUFFER = 1024;

  private final ChatDatabase database;
  private final FanOut fanOut = new FanOut();
  private final Relay relay;
  private final Set<PersonSubscription> open = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  private LiveChanges(ChatDatabase database, RelaySettings settings) {
    this.database = database;
    this.relay = new Relay(settings, fanOut);
  }

  /**
   * Starts to listen, by pgjdbc-ng when it is on the class path, otherwise by pgjdbc.
   *
   * @param database reads what a person may see; on a {@link javax.sql.DataSource} of the same
   *     database
   * @param login the runtime login, a member of {@code chat_service}
   * @return at once; it connects meanwhile
   */
  public static LiveChanges start(ChatDatabase database, Login login) {
    return start(
        database,
        RelaySettings.of(login.url(), login.user(), login.secret()).withDriver(available()));
  }

  /**
   * Starts to listen.
   *
   * @param database reads what a person may see; on a {@link javax.sql.DataSource} of the same
   *     database
   * @param settings where to connect, and at which pace
   * @return at once; it connects meanwhile
   */
  public static LiveChanges start(ChatDatabase database, RelaySettings settings) {
    LiveChanges live = new LiveChanges(database, settings);
    live.relay.start();
    return live;
  }

  /**
   * The changes that one person may see. Each subscriber receives:
   *
   * <ul>
   *   <li>first {@link LiveEvent.Resync}: delivery is complete from here on, so read what you show;
   *   <li>then every {@link LiveEvent.Changed} that this person may see. Rights are read again when
   *       they change: a person who joins another team gets a resync and then that team's changes;
   *   <li>{@code onError} with a {@link com.gptdesk.chat.database.Refusal} when the person is
   *       unknown, or may no longer use the chat;
   *   <li>{@code onComplete} when this object is closed.
   * </ul>
   *
   * <p>A subscriber receives only as much as it requested. Up to {@link #DEFAULT_BUFFER} changes
   * wait; beyond that they are dropped and one resync replaces them. A slow subscriber thus neither
   * delays others nor fills the memory. It is called on virtual threads, one at a time, and may
   * block.
   *
   * @param userId who it is: the id that your own sign-in has established
   * @return a publisher for any number of subscribers, each with a buffer of its own
   */
  public Flow.Publisher<LiveEvent> of(UUID userId) {
    return of(userId, DEFAULT_BUFFER);
  }

  /**
   * As {@link #of(UUID)}, with another buffer.
   *
   * @param userId who it is
   * @param buffer how many changes may wait for one subscriber, at least 1
   * @return a publisher
   */
  public Flow.Publisher<LiveEvent> of(UUID userId, int buffer) {
    if (buffer < 1) {
      throw new IllegalArgumentException("A buffer holds at least one change, not " + buffer);
    }
    return subscriber -> {
      PersonSubscription subscription =
          new PersonSubscription(
              userId, fanOut, () -> audiencesOf(userId), buffer, subscriber, this::ended);
      open.add(subscription);
      subscription.start();
      if (closed) {
        subscription.complete();
      }
    };
  }

  /**
   * Whether changes arrive in time.
   *
   * @return false until the first connections are open, and while they are replaced
   */
  public boolean isUpToDate() {
    return relay.isUpToDate();
  }

  /** {@return how many subscriptions are open} */
  public int subscriptions() {
    return open.size();
  }

  /** {@return how many changes were read from the change log, whoever may see them} */
  public long changes() {
    return relay.changes();
  }

  /** {@return how often subscribers had to read again, apart from the first time} */
  public long resyncs() {
    return relay.resyncs();
  }

  /** {@return how often a lost connection was replaced} */
  public long reconnects() {
    return relay.reconnects();
  }

  /** Ends all subscriptions with {@code onComplete}, and the connections. */
  @Override
  public void close() {
    closed = true;
    relay.close();
    open.forEach(PersonSubscription::complete);
  }

  /**
   * The audiences that this person belongs to; none for a person who may not use the chat. Blocks.
   */
  private Set<Audience> audiencesOf(UUID userId) {
    AudienceIds audience = database.audienceOf(userId);
    return Set.copyOf(Audience.of(audience.people(), audience.teams()));
  }

  private void ended(PersonSubscription subscription) {
    fanOut.remove(subscription);
    open.remove(subscription);
  }

  private static ListenDriver available() {
    try {
      Class.forName(
          "com.impossibl.postgres.jdbc.PGDriver", false, LiveChanges.class.getClassLoader());
      return ListenDriver.PGJDBC_NG;
    } catch (ClassNotFoundException e) {
      return ListenDriver.PGJDBC;
    }
  }
}
