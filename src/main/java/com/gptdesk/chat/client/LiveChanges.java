package com.gptdesk.chat.client;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.internal.relay.Routines;
import com.gptdesk.chat.relay.FanOut;
import com.gptdesk.chat.relay.Relay;
import com.gptdesk.chat.relay.RelaySettings;
import com.gptdesk.chat.relay.Scope;
import com.gptdesk.chat.relay.listen.ListenDriver;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Flow;

/**
 * A program's ear to the chat: the changes that browsers are told over the WebSocket, inside the
 * JVM, by the same relay. One for each program; it holds two connections of its own, straight to
 * the primary and not through a pooler of transactions, and runs no query while nothing happens.
 *
 * <p>It makes and loses its connections by itself: until it hears, and after it was cut off,
 * nothing is told, and then {@link LiveEvent.Resync} is.
 *
 * <p>For any number of threads at once. Close it to end all subscriptions.
 */
public final class LiveChanges implements AutoCloseable {

  /** How many changes wait for a subscriber who is slow, before they give way to a resync. */
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
   * Begins to listen, by pgjdbc-ng where that is on the class path, else by pgjdbc.
   *
   * @param database asked what a person may hear; on a {@link javax.sql.DataSource} of the same
   *     database
   * @param login the runtime login, a member of {@code chat_service}
   * @return at once; it connects meanwhile
   */
  public static LiveChanges start(ChatDatabase database, Login login) {
    return start(
        database,
        RelaySettings.of(login.url(), login.user(), login.password()).withDoorbell(available()));
  }

  /**
   * Begins to listen.
   *
   * @param database asked what a person may hear; on a {@link javax.sql.DataSource} of the same
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
   * What one person hears. Each subscriber is told:
   *
   * <ul>
   *   <li>first {@link LiveEvent.Resync}: from here on it is complete, so read what you show now;
   *   <li>then every {@link LiveEvent.Changed} that this person may see. Rights are read again when
   *       they change: who comes into another team is told to resync and hears that team;
   *   <li>{@code onError} with a {@link com.gptdesk.chat.database.Refusal} when the person is
   *       unknown, or may no longer use the chat;
   *   <li>{@code onComplete} when this ear is closed.
   * </ul>
   *
   * <p>Only as much as was requested is told. Up to {@link #DEFAULT_BUFFER} changes wait; when
   * there are more they are dropped and one resync stands for them, so that nobody who is slow
   * holds up the others or the memory. The subscriber is called on virtual threads, by one at a
   * time, and may block.
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
      PersonSubscription subscription = new PersonSubscription(this, userId, buffer, subscriber);
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
   * @return false until the first connections stand, and while they are remade
   */
  public boolean isHearing() {
    return relay.isHearing();
  }

  /** Ends all subscriptions with {@code onComplete}, and the connections. */
  @Override
  public void close() {
    closed = true;
    relay.close();
    open.forEach(PersonSubscription::complete);
  }

  FanOut fanOut() {
    return fanOut;
  }

  /** What this person may hear of: nothing for who may not use the chat. Blocks. */
  Set<Scope> scopesOf(UUID userId) {
    return Set.copyOf(
        database.reading(
            Caller.relay(),
            tx -> {
              var row = Routines.scopesOfPerson(tx.configuration(), userId).getFirst();
              return Scope.of(row.getScopes(), row.getTeamScopes());
            }));
  }

  void ended(PersonSubscription subscription) {
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
