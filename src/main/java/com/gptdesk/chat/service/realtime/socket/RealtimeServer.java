package com.gptdesk.chat.service.realtime.socket;

import com.gptdesk.chat.relay.FanOut;
import com.gptdesk.chat.service.auth.InvalidToken;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.http.Errors;
import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.http.RequestId;
import com.gptdesk.chat.service.realtime.changes.Audiences;
import com.gptdesk.chat.service.realtime.changes.CommonSubscriptions;
import com.gptdesk.chat.service.realtime.changes.MissedMessages;
import com.gptdesk.chat.service.realtime.changes.PublishedTables;
import com.gptdesk.chat.service.realtime.changes.SharedPayloads;
import com.gptdesk.chat.service.realtime.channel.PresenceTracker;
import com.gptdesk.chat.service.realtime.channel.ReplaySource;
import com.gptdesk.chat.service.realtime.channel.TopicLimits;
import com.gptdesk.chat.service.realtime.channel.TopicServices;
import com.gptdesk.chat.service.realtime.channel.Topics;
import com.gptdesk.chat.service.realtime.protocol.Json;
import com.gptdesk.chat.service.realtime.protocol.Serializer;
import com.gptdesk.chat.service.realtime.protocol.Serializers;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The WebSocket endpoint: turns the upgrades of an HTTP server into sockets, and holds what they
 * share. The owner of the HTTP server asks {@link #accepts} about a path and passes matching
 * requests to {@link #upgrade}. Thread-safe.
 */
public final class RealtimeServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RealtimeServer.class);
  private static final Set<String> PATHS = Set.of("/realtime/v1/websocket", "/socket/websocket");
  private static final int CLOSING_SECONDS = 5;

  private final RealtimeSettings settings;
  private final SocketMetrics metrics = new SocketMetrics();
  private final ConnectedUsers users;
  private final PresenceTracker tracker;
  private final SharedParts shared;
  private final Set<Socket> connections = ConcurrentHashMap.newKeySet();
  private volatile @Nullable CountDownLatch allClosed;

  /** All browsers send the same one. */
  private volatile String lastApikey = "";

  /**
   * Creates an endpoint without connections.
   *
   * @param tokens verifies the apikey of an upgrade and the tokens of joins
   * @param fanOut delivers the relay's changes
   * @param tables the published tables
   * @param audiences reads which audiences a person belongs to
   * @param missed reads what a client missed while it was away
   * @param topics the topics in the database
   * @param topicLimits the limits of broadcasts and presence
   * @param tracker what this node tracks on topics
   */
  public RealtimeServer(
      RealtimeSettings settings,
      TokenVerifier tokens,
      FanOut fanOut,
      PublishedTables tables,
      Audiences audiences,
      MissedMessages missed,
      Topics topics,
      TopicLimits topicLimits,
      PresenceTracker tracker) {
    this(
        settings,
        tokens,
        fanOut,
        tables,
        audiences,
        missed,
        topics,
        topicLimits,
        tracker,
        System::nanoTime);
  }

  /**
   * @param nanoClock the clock of rate limits and timeouts
   */
  RealtimeServer(
      RealtimeSettings settings,
      TokenVerifier tokens,
      FanOut fanOut,
      PublishedTables tables,
      Audiences audiences,
      MissedMessages missed,
      Topics topics,
      TopicLimits topicLimits,
      PresenceTracker tracker,
      LongSupplier nanoClock) {
    this.settings = settings;
    this.users = new ConnectedUsers(settings.sockets().maxConnectionsPerUser());
    this.tracker = tracker;
    // A thousand clients that reconnect at once must not keep others from the database.
    var turns = new Semaphore(settings.replays().maxDatabaseQuestions(), true);
    this.shared =
        new SharedParts(
            settings,
            tokens,
            new EndedTokens(),
            fanOut,
            tables,
            new CommonSubscriptions(),
            new SharedPayloads(tables, metrics::countEncoded),
            userId -> inTurn(turns, () -> audiences.of(userId)),
            new ReplaySource(
                (caller, conversation, revision, most) ->
                    inTurn(turns, () -> missed.after(caller, conversation, revision, most)),
                tables,
                settings.replays().maxRevisions(),
                settings.queues().maxChanges(),
                settings.queues().maxHeldBytes()),
            new TopicServices(topics, tracker, topicLimits, nanoClock),
            users,
            metrics,
            nanoClock);
  }

  /** Runs a query when it is this caller's turn. Blocks; on virtual threads only. */
  private static <T extends @Nullable Object> T inTurn(Semaphore turns, Supplier<T> question) {
    turns.acquireUninterruptibly();
    try {
      return question.get();
    } finally {
      turns.release();
    }
  }

  /** Sets the HTTP server's options for WebSockets. */
  public HttpServerOptions configure(HttpServerOptions options) {
    return options
        .setMaxWebSocketFrameSize(settings.frames().maxBytes())
        .setMaxWebSocketMessageSize(settings.frames().maxBytes())
        // Frames are small and go to many clients, so compressing each costs more than it saves.
        .setPerMessageWebSocketCompressionSupported(false)
        .setPerFrameWebSocketCompressionSupported(false)
        .setWebSocketClosingTimeout(CLOSING_SECONDS)
        // Everything is answered on the event loop, so no HTTP connection needs a queue for other
        // threads, which its WebSocket would keep.
        .setStrictThreadMode(true);
  }

  /** Whether a path is that of the WebSocket. */
  public boolean accepts(String path) {
    return PATHS.contains(path);
  }

  /** The same, with the id of the request, or a new one. */
  public void upgrade(HttpServerRequest request) {
    upgrade(request, RequestId.in(request));
  }

  /**
   * Upgrades a request to a WebSocket, or answers it with a status and {@code {"error": …}}. Called
   * on an event loop.
   *
   * @param id the id of the request in the log, and of its socket
   */
  public void upgrade(HttpServerRequest request, String id) {
    if (!request.canUpgradeToWebSocket()) {
      refuse(request, 426, "This is a WebSocket endpoint");
      return;
    }
    if (allClosed != null) {
      refuse(request, 503, "The server is shutting down");
      return;
    }
    if (connections.size() >= settings.sockets().maxConnections()) {
      refuse(request, 429, "ConnectionRateLimitReached: Too many connections");
      return;
    }
    Serializer serializer = Serializers.ofVersion(request.getParam("vsn"));
    if (serializer == null) {
      refuse(request, 400, "vsn must be 1.0.0 or 2.0.0");
      return;
    }
    String header = request.getHeader("x-api-key");
    String apikey = header != null ? header : request.getParam("apikey");
    if (apikey == null || apikey.isEmpty()) {
      refuse(request, 401, "Missing API key");
      return;
    }
    request.pause();
    Context context = Vertx.currentContext();
    if (context == null) {
      throw new IllegalStateException("upgrade() must be called on the request's event loop");
    }
    Thread.ofVirtual()
        .name("realtime")
        .start(() -> verify(request, id, context, serializer, apikey));
  }

  private void verify(
      HttpServerRequest request, String id, Context context, Serializer serializer, String apikey) {
    try {
      shared.tokens().verify(apikey);
      context.runOnContext(nothing -> accept(request, id, context, serializer, apikey));
    } catch (InvalidToken e) {
      Problem problem = Errors.of(e);
      context.runOnContext(nothing -> refuse(request, problem.status(), problem.message()));
    } catch (RuntimeException e) {
      RequestId.named(id, () -> LOG.error("An API key could not be verified", e));
      context.runOnContext(nothing -> refuse(request, 500, "internal"));
    }
  }

  private void accept(
      HttpServerRequest request, String id, Context context, Serializer serializer, String apikey) {
    request
        .toWebSocket()
        .onSuccess(
            socket -> {
              forgetHeaders(request);
              var connection =
                  new Socket(shared, id, context, socket, serializer, known(apikey), this::forget);
              RequestId.named(id, () -> LOG.info("A socket was opened"));
              connections.add(connection);
              connection.open();
              if (allClosed != null) {
                connection.close(CloseCode.SERVICE_RESTART, "the server is shutting down");
              }
            })
        .onFailure(e -> LOG.debug("A request did not become a WebSocket", e));
  }

  /** The previous socket's text when it is equal, so that they share one. */
  private String known(String apikey) {
    String last = lastApikey;
    if (last.equals(apikey)) {
      return last;
    }
    lastApikey = apikey;
    return apikey;
  }

  /** Clears what is no longer needed, since the socket holds its request while it is open. */
  private static void forgetHeaders(HttpServerRequest request) {
    request.params().clear();
    request.headers().clear();
    request.response().headers().clear();
  }

  private static void refuse(HttpServerRequest request, int status, String error) {
    request.resume();
    request
        .response()
        .setStatusCode(status)
        .putHeader("Content-Type", "application/json")
        .putHeader("Access-Control-Allow-Origin", "*")
        .end(Json.write(Json.object().put("error", error)));
  }

  /**
   * Closes all sockets with 1012, so that clients reconnect to another node or return soon; waits
   * some seconds at most.
   */
  @Override
  public void close() {
    var closed = new CountDownLatch(1);
    allClosed = closed;
    tracker.close(); // Once for all sockets.
    for (Socket connection : List.copyOf(connections)) {
      connection.close(CloseCode.SERVICE_RESTART, "the server is shutting down");
    }
    try {
      if (!connections.isEmpty() && !closed.await(CLOSING_SECONDS, TimeUnit.SECONDS)) {
        LOG.warn("{} sockets are still open at shutdown", connections.size());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** How many sockets are open. */
  public int connections() {
    return connections.size();
  }

  /** How many people are connected, each counted once. */
  public int people() {
    return users.count();
  }

  /** The counters of the sockets. */
  public SocketMetrics metrics() {
    return metrics;
  }

  ConnectedUsers users() {
    return users;
  }

  PublishedTables tables() {
    return shared.tables();
  }

  private void forget(Socket connection) {
    connections.remove(connection);
    CountDownLatch closed = allClosed;
    if (closed != null && connections.isEmpty()) {
      closed.countDown();
    }
  }
}
