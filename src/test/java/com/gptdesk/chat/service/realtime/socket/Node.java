package com.gptdesk.chat.service.realtime.socket;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.ChangeListener;
import com.gptdesk.chat.relay.FanOut;
import com.gptdesk.chat.relay.Relay;
import com.gptdesk.chat.relay.RelaySettings;
import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.service.auth.TokenSettings;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.cluster.NatsSettings;
import com.gptdesk.chat.service.realtime.changes.Audiences;
import com.gptdesk.chat.service.realtime.changes.MissedMessages;
import com.gptdesk.chat.service.realtime.changes.PublishedTables;
import com.gptdesk.chat.service.realtime.channel.PresenceTracker;
import com.gptdesk.chat.service.realtime.channel.TopicLimits;
import com.gptdesk.chat.service.realtime.protocol.Json;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.NoTopics;
import com.gptdesk.chat.testing.NodeChanges;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerOptions;
import java.net.http.HttpClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** A node of a test's own: relay and sockets on a real database. */
final class Node implements AutoCloseable {
  private static final String SECRET = "a secret that is at least 32 bytes long";
  private static final TokenIssuer ISSUER = new TokenIssuer(SECRET);

  final FanOut fanOut;
  final Relay relay;
  private final NodeChanges changes;
  private final ToldChanges told = new ToldChanges();
  final RealtimeServer server;
  private final Vertx vertx = Vertx.vertx();
  private final HttpClient http = HttpClient.newHttpClient();
  private final List<SocketClient> clients = new ArrayList<>();
  private final int port;

  Node(TestDatabase database, RealtimeSettings settings) {
    this(database, settings, System::nanoTime);
  }

  /** One whose limits per second are measured by this clock. */
  Node(TestDatabase database, RealtimeSettings settings, LongSupplier nanoClock) {
    this(database, settings, missed -> missed, null, nanoClock);
  }

  /**
   * Starts it, and returns when it hears.
   *
   * @param between what stands between the sockets and the database when they ask what they missed
   * @param nats by what it hears of changes; null for a relay of its own
   */
  Node(
      TestDatabase database,
      RealtimeSettings settings,
      UnaryOperator<MissedMessages> between,
      @Nullable NatsSettings nats) {
    this(database, settings, between, nats, System::nanoTime);
  }

  private Node(
      TestDatabase database,
      RealtimeSettings settings,
      UnaryOperator<MissedMessages> between,
      @Nullable NatsSettings nats,
      LongSupplier nanoClock) {
    Login login = database.service();
    changes =
        new NodeChanges(
            RelaySettings.of(login.url(), login.user(), login.password()), nats, told::before);
    fanOut = changes.fanOut();
    relay = changes.relay();
    var topics = new NoTopics();
    server =
        new RealtimeServer(
            settings,
            new TokenVerifier(TokenSettings.ofSecret(SECRET)),
            fanOut,
            PublishedTables.in(database.chat()),
            Audiences.in(database.chat()),
            between.apply(MissedMessages.in(database.chat())),
            topics,
            TopicLimits.defaults(),
            new PresenceTracker(topics),
            nanoClock);
    try {
      port =
          vertx
              .createHttpServer(server.configure(new HttpServerOptions()))
              .requestHandler(server::upgrade)
              .listen(0, "127.0.0.1")
              .await(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS)
              .actualPort();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
    changes.start();
  }

  int port() {
    return port;
  }

  /** Returns when every subscriber of this node was told what happened to this row. */
  void awaitsTold(Change.Operation operation, UUID row) {
    Await.until(
        "%s of %s to be told".formatted(operation, row), () -> told.contains(operation, row));
  }

  static String token(Person person) {
    return token(person, Duration.ofHours(1));
  }

  static String token(Person person, Duration lifetime) {
    return ISSUER.forUser(person.id(), lifetime);
  }

  static String anonKey() {
    return ISSUER.anonKey();
  }

  /** A socket of this person. Any thread may ask. */
  SocketClient client(Person person) {
    SocketClient client = SocketClient.connect(http, port, token(person));
    synchronized (clients) {
      clients.add(client);
    }
    return client;
  }

  @Override
  public void close() throws TimeoutException {
    synchronized (clients) {
      clients.forEach(SocketClient::close);
    }
    server.close();
    changes.close();
    http.close();
    vertx.close().await(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  /** What was told, noted after the subscribers have it. Any thread may ask. */
  private static final class ToldChanges implements ChangeListener {
    private final Set<String> told = ConcurrentHashMap.newKeySet();
    private @Nullable ChangeListener subscribers;

    ChangeListener before(ChangeListener subscribers) {
      this.subscribers = subscribers;
      return this;
    }

    boolean contains(Change.Operation operation, UUID row) {
      return told.contains(operation + " " + row);
    }

    @Override
    public void changed(Change change) {
      Objects.requireNonNull(subscribers).changed(change);
      String row = change.record() != null ? change.record() : change.oldRecord();
      if (row != null) {
        told.add(change.operation() + " " + Json.row(row).path("id").asString(""));
      }
    }

    @Override
    public void resync(String reason) {
      Objects.requireNonNull(subscribers).resync(reason);
    }
  }
}
