package com.gptdesk.chat.service.realtime.socket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import com.gptdesk.chat.relay.Audience;
import com.gptdesk.chat.relay.AudienceSource;
import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.Change.Operation;
import com.gptdesk.chat.relay.FanOut;
import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.service.auth.TokenSettings;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.realtime.changes.MissedMessages;
import com.gptdesk.chat.service.realtime.changes.PublishedTables;
import com.gptdesk.chat.service.realtime.channel.Broadcast;
import com.gptdesk.chat.service.realtime.channel.PresenceTracker;
import com.gptdesk.chat.service.realtime.channel.TopicLimits;
import com.gptdesk.chat.service.realtime.socket.SocketClient.Message;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.NoTopics;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * A server over a real socket, with a relay, a database and its rights played by the test: the
 * ground of the tests of each part.
 */
abstract class PlayedServer {
  static final String SECRET = "a secret that is at least 32 bytes long";
  static final UUID ALICE = UUID.fromString("00000000-0000-4000-8000-00000000000a");
  static final UUID BOB = UUID.fromString("00000000-0000-4000-8000-00000000000b");
  static final UUID MALLORY = UUID.fromString("00000000-0000-4000-8000-00000000000e");
  static final Audience BLUE =
      Audience.team(UUID.fromString("00000000-0000-4000-8000-0000000000b1"));

  /** A team with the id of a person who is not in it. */
  static final Audience RED = Audience.team(ALICE);

  static final UUID TALK = UUID.fromString("00000000-0000-4000-8000-0000000000c0");
  static final String TALK_TOPIC = "conversation-" + TALK;

  static final String ALL = "[{\"event\":\"*\",\"schema\":\"public\"}]";
  static final String MESSAGES =
      "[{\"event\":\"*\",\"schema\":\"public\",\"table\":\"user_messages\"}]";

  final Vertx vertx = Vertx.vertx();
  final HttpClient http = HttpClient.newHttpClient();
  final TokenIssuer issuer = new TokenIssuer(SECRET);
  final List<String> awaited = new CopyOnWriteArrayList<>();
  volatile Runnable whileAudiencesAreAwaited = () -> {};
  final FanOut fanOut =
      new FanOut(
          new AudienceSource() {
            @Override
            public void wanted(Audience audience) {}

            @Override
            public void unwanted(Audience audience) {}

            @Override
            public void awaitSubscribed(Collection<Audience> audiences) {
              awaited.add(audiences.size() + " after " + audiencesRead.get() + " questions");
              whileAudiencesAreAwaited.run();
            }
          });
  final NoTopics topics =
      new NoTopics() {
        @Override
        public Collection<Audience> audiences(String topic) {
          return people(whoMayUse.get().toArray(UUID[]::new));
        }

        @Override
        public void send(List<Broadcast> broadcasts, @Nullable UUID sender) {
          sends.accept(broadcasts);
        }
      };
  final Map<UUID, List<Audience>> audiences = new ConcurrentHashMap<>();
  final AtomicInteger audiencesRead = new AtomicInteger();
  final List<SocketClient> clients = new ArrayList<>();
  volatile MissedMessages missed = (caller, conversation, revision, most) -> null;
  volatile Supplier<List<UUID>> whoMayUse = List::of;
  volatile Consumer<List<Broadcast>> sends = broadcasts -> {};
  volatile Runnable whileAudiencesAreRead = () -> {};
  RealtimeServer server;
  HttpServer listening;
  int port;
  long seq;

  @BeforeEach
  void start() throws Exception {
    audiences.put(ALICE, List.of(Audience.user(ALICE), BLUE));
    audiences.put(BOB, List.of(Audience.user(BOB), BLUE));
    audiences.put(MALLORY, List.of(Audience.user(MALLORY), RED));
    serve(Patient.settings());
  }

  void serve(RealtimeSettings settings) throws Exception {
    serve(settings, System::nanoTime);
  }

  void serve(RealtimeSettings settings, LongSupplier nanoClock) throws Exception {
    if (listening != null) {
      listening.close().await(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }
    server =
        new RealtimeServer(
            settings,
            new TokenVerifier(TokenSettings.ofSecret(SECRET)),
            fanOut,
            PublishedTables.of(
                List.of(
                    new PublishedTables.Column("user_messages", "id", "uuid", true),
                    new PublishedTables.Column("user_messages", "conversation_id", "text", false),
                    new PublishedTables.Column("user_messages", "content", "text", false),
                    new PublishedTables.Column("user_presence", "user_id", "uuid", true),
                    new PublishedTables.Column("user_conversations", "id", "uuid", true))),
            this::audiencesOf,
            (caller, conversation, revision, most) ->
                missed.after(caller, conversation, revision, most),
            topics,
            TopicLimits.defaults(),
            new PresenceTracker(topics),
            nanoClock);
    listening =
        vertx
            .createHttpServer(server.configure(new HttpServerOptions()))
            .requestHandler(
                request -> {
                  if (server.accepts(request.path())) {
                    server.upgrade(request);
                  } else {
                    request.response().setStatusCode(404).end();
                  }
                })
            .listen(0, "127.0.0.1")
            .await(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    port = listening.actualPort();
  }

  @AfterEach
  void stop() throws Exception {
    clients.forEach(SocketClient::close);
    server.close();
    http.close();
    vertx.close().await(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  List<Audience> audiencesOf(UUID user) {
    audiencesRead.incrementAndGet();
    List<Audience> found = audiences.getOrDefault(user, List.of());
    whileAudiencesAreRead.run();
    return found;
  }

  SocketClient client() {
    return client(issuer.anonKey());
  }

  SocketClient client(String apikey) {
    SocketClient client = SocketClient.connect(http, port, apikey);
    clients.add(client);
    return client;
  }

  String token(UUID user) {
    return issuer.forUser(user, Duration.ofHours(1));
  }

  String expired(UUID user) {
    return issuer.forUser(user, Duration.ofMinutes(-5));
  }

  static void askToUpgrade(Socket socket, String pathAndQuery) throws IOException {
    socket
        .getOutputStream()
        .write(
            ("GET "
                    + pathAndQuery
                    + " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    + "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII));
  }

  /** The head of an answer and what it says that comes with it, in however many pieces. */
  static String readAnswer(Socket socket) throws IOException {
    var answer = new StringBuilder();
    byte[] buffer = new byte[4096];
    while (!isWhole(answer)) {
      int length = socket.getInputStream().read(buffer);
      if (length < 0) {
        throw new IOException("it ended after: " + answer);
      }
      answer.append(new String(buffer, 0, length, StandardCharsets.US_ASCII));
    }
    return answer.toString();
  }

  private static boolean isWhole(CharSequence answer) {
    Matcher head = Pattern.compile("(?s)(.*?)\r\n\r\n(.*)").matcher(answer);
    if (!head.matches()) {
      return false;
    }
    Matcher length = Pattern.compile("(?i)content-length: (\\d+)").matcher(head.group(1));
    return !length.find() || head.group(2).length() >= Integer.parseInt(length.group(1));
  }

  static List<Audience> people(UUID... ids) {
    return Audience.of(ids, null);
  }

  Change insert(String content, UUID... people) {
    return change(Operation.INSERT, row("c", content), null, people);
  }

  Change insert(String content, Audience... to) {
    return change(Operation.INSERT, row("c", content), null, List.of(to));
  }

  Change control(UUID user) {
    return new Change(++seq, "users", Operation.UPDATE, Instant.now(), people(user), null, null);
  }

  Change change(
      Operation operation, @Nullable String record, @Nullable String old, UUID... people) {
    return change(operation, record, old, people(people));
  }

  Change change(
      Operation operation, @Nullable String record, @Nullable String old, List<Audience> to) {
    return new Change(
        ++seq,
        "user_messages",
        operation,
        Instant.parse("2026-01-01T00:00:00.120456Z"),
        to,
        record,
        old);
  }

  static String row(String conversation, String content) {
    return "{\"id\":1,\"conversation_id\":\""
        + conversation
        + "\",\"content\":\""
        + content
        + "\"}";
  }

  static String ids(Message message) {
    return message.payload().path("ids").toString();
  }

  static String data(Message message) {
    return message.payload().path("data").toString();
  }

  static String content(Message message) {
    assertEquals("postgres_changes", message.event(), message::toString);
    assertNull(message.joinRef());
    return message.payload().path("data").path("record").path("content").asString();
  }

  static String topicAndContent(Message message) {
    return message.topic() + " " + content(message);
  }
}
