package example;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import com.gptdesk.chat.client.UserChat;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.embedded.EmbeddedDatabase;
import com.gptdesk.chat.model.Conversation;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.core.ThrowingRunnable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.SpringBootVersion;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.core.env.Environment;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.transaction.support.TransactionTemplate;

/** The shop on an empty PostgreSQL: it migrates, sends, refuses and listens. */
@SpringBootTest(webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT)
@Timeout(300)
class ShopTest {

  private static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final Pattern VALUE = Pattern.compile("\"value\":([^,}]+)");
  private static final EmbeddedDatabase DATABASE = start();
  private static final UUID ALICE = UUID.randomUUID();
  private static final UUID BOB = UUID.randomUUID();
  private static final UUID MALLORY = UUID.randomUUID();

  private final HttpClient http = HttpClient.newHttpClient();

  @Autowired private JdbcClient sql;
  @Autowired private ChatDatabase chat;
  @Autowired private Environment environment;
  @Autowired private PlatformTransactionManager transactions;

  /** Until the JVM ends, as Spring keeps the shop. */
  private static EmbeddedDatabase start() {
    EmbeddedDatabase database = EmbeddedDatabase.temporary(false);
    Runtime.getRuntime().addShutdownHook(new Thread(database::close));
    return database;
  }

  @DynamicPropertySource
  static void database(DynamicPropertyRegistry properties) {
    properties.add("SHOP_DATABASE_URL", () -> DATABASE.service().url());
    properties.add("SHOP_USER", () -> DATABASE.service().user());
    properties.add("SHOP_PASSWORD", () -> DATABASE.service().password());
    properties.add("SHOP_OWNER", () -> DATABASE.owner().user());
    properties.add("SHOP_OWNER_PASSWORD", () -> DATABASE.owner().password());
  }

  @BeforeEach
  void people() throws SQLException {
    try (Connection owner = DATABASE.owner().connect();
        Statement statement = owner.createStatement()) {
      statement.execute(
          """
          delete from public.orders;
          insert into public.teams (id, name) values ('%1$s', 'Blue'), ('%3$s', 'Red') on conflict do nothing;
          insert into public.users (id, full_name, email, status, team_id)
          values
            ('%1$s', 'Alice', 'alice@example.org', 'active', '%1$s'),
            ('%2$s', 'Bob', 'bob@example.org', 'active', '%1$s'),
            ('%3$s', 'Mallory', 'mallory@example.org', 'active', '%3$s')
          on conflict do nothing
          """
              .formatted(ALICE, BOB, MALLORY));
    }
  }

  @Test
  void itRunsOnTheBootOfItsPom() {
    assertThat(SpringBootVersion.getVersion()).isEqualTo(System.getProperty("expected.boot"));
  }

  @Test
  void anOrderAndItsMessageAreStoredTogetherAndHeard() throws Exception {
    // Else another resync may come in between.
    until(() -> assertThat(get("/actuator/health/chat").body()).isEqualTo("{\"status\":\"UP\"}"));
    try (Stream<String> lines = listen(BOB)) {
      Iterator<String> heard = lines.filter(line -> line.startsWith("data:")).iterator();
      assertThat(heard.next()).isEqualTo("data:listening");
      assertThat(order(ALICE, BOB, "an apple").statusCode()).isEqualTo(200);
      assertThat(heard.next()).isEqualTo("data:I have ordered: an apple");
    }
    assertThat(orders()).isEqualTo(1);
    until(
        () -> {
          HttpResponse<String> changes = get("/actuator/metrics/chat.relay.changes");
          assertThat(changes.statusCode()).isEqualTo(200);
          Matcher value = VALUE.matcher(changes.body());
          assertThat(value.find()).as(changes.body()).isTrue();
          assertThat(Double.parseDouble(value.group(1))).isPositive();
        });
  }

  @Test
  void aTransactionThatHasEndedIsNotJoined() {
    UserChat alice = new UserChat(chat, ALICE);
    List<Throwable> refused = new ArrayList<>();
    new TransactionTemplate(transactions)
        .executeWithoutResult(
            open -> {
              alice.getConversations();
              TransactionSynchronizationManager.registerSynchronization(
                  new TransactionSynchronization() {
                    @Override
                    public void afterCompletion(int status) {
                      refused.add(catchThrowable(alice::getConversations));
                      TransactionTemplate another = new TransactionTemplate(transactions);
                      another.setPropagationBehavior(
                          TransactionDefinition.PROPAGATION_REQUIRES_NEW);
                      another.executeWithoutResult(
                          opened -> refused.add(catchThrowable(alice::getConversations)));
                    }
                  });
            });
    assertThat(refused).hasSize(2);
    assertThat(refused.getFirst())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("REQUIRES_NEW");
    assertThat(refused.getLast()).isNull();
  }

  @Test
  void orNotAtAll() throws Exception {
    List<String> before = messages();
    assertThat(order(ALICE, BOB, "unicorn").statusCode()).isEqualTo(422);
    assertThat(orders()).isZero();
    assertThat(messages()).isEqualTo(before);
  }

  @Test
  void whoIsOfAnotherTeamIsRefusedAndOrdersNothing() throws Exception {
    HttpResponse<String> no = order(MALLORY, BOB, "a pear");
    assertThat(no.statusCode()).as(no.body()).isEqualTo(404);
    assertThat(orders()).isZero();
  }

  /** Asks again until it holds. */
  private static void until(ThrowingRunnable holds) {
    await().atMost(PATIENCE).untilAsserted(holds);
  }

  private List<String> messages() {
    UserChat alice = new UserChat(chat, ALICE);
    return alice.getConversations().stream()
        .map(Conversation::id)
        .flatMap(conversation -> alice.getMessages(conversation).stream())
        .map(message -> message.content())
        .toList();
  }

  private int orders() {
    return sql.sql("select count(*) from public.orders").query(Integer.class).single();
  }

  private HttpResponse<String> order(UUID buyer, UUID seller, String item) throws Exception {
    String query = "?seller=" + seller + "&item=" + URLEncoder.encode(item, StandardCharsets.UTF_8);
    return http.send(
        to("/orders" + query, buyer).POST(HttpRequest.BodyPublishers.noBody()).build(),
        BodyHandlers.ofString());
  }

  private Stream<String> listen(UUID user) throws Exception {
    return http.send(to("/messages", user).build(), BodyHandlers.ofLines()).body();
  }

  private HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return http.send(to(path, ALICE).build(), BodyHandlers.ofString());
  }

  private HttpRequest.Builder to(String path, UUID user) {
    String port = environment.getProperty("local.server.port");
    return HttpRequest.newBuilder(URI.create("http://localhost:" + port + path))
        .header("X-User", user.toString());
  }
}
