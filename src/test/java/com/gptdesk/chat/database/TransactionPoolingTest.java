package com.gptdesk.chat.database;

import static com.gptdesk.chat.jooq.Tables.USER_MESSAGES;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.abort;

import com.gptdesk.chat.client.UserChat;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.FreePort;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Behind a real PgBouncer that pools transactions: many clients, two server connections, and each
 * transaction on whichever is free. Skipped, loudly, where PgBouncer is not installed; {@code
 * CHAT_REQUIRE=pgbouncer} makes that a failure.
 */
class TransactionPoolingTest {

  private final TestDatabase database = TestDatabase.fresh();
  private final Person alice = database.alice();
  private final Person bob = database.bob();
  private final Person mallory = database.mallory();

  @TempDir Path directory;
  private Process pooler;
  private Login pooled;

  @BeforeEach
  void start() throws IOException {
    String program = installed();
    if (program == null) {
      String missing =
          "PgBouncer is not installed (Debian: pgbouncer), so pooling of transactions was not tried.";
      assertFalse(
          Arrays.asList(String.valueOf(System.getenv("CHAT_REQUIRE")).split(","))
              .contains("pgbouncer"),
          missing);
      System.err.println("*** SKIPPED pgbouncer: " + missing);
      abort(missing);
      return;
    }
    Login service = database.service();
    URI server = URI.create(service.url().substring("jdbc:".length()));
    int port = FreePort.any();
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxrwxrwx"));
    Files.writeString(
        directory.resolve("users"),
        "\"%s\" \"%s\"\n".formatted(service.user(), service.password()));
    Files.writeString(
        directory.resolve("ini"),
        """
        [databases]
        chat = host=%s port=%d dbname=%s
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = %d
        unix_socket_dir =
        auth_type = plain
        auth_file = %s
        pool_mode = transaction
        default_pool_size = 2
        max_client_conn = 100
        ignore_startup_parameters = extra_float_digits
        logfile = %s
        """
            .formatted(
                server.getHost(),
                server.getPort(),
                server.getPath().substring(1),
                port,
                directory.resolve("users"),
                directory.resolve("log")));
    List<String> command = new ArrayList<>(List.of(program));
    if ("root".equals(System.getProperty("user.name"))) {
      command.addAll(List.of("-u", "nobody")); // it refuses to run as root
    }
    command.add(directory.resolve("ini").toString());
    pooler =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    pooled =
        new Login(
            "jdbc:postgresql://127.0.0.1:%d/chat?prepareThreshold=0".formatted(port),
            service.user(),
            service.password());
    Await.until("PgBouncer", this::answers);
  }

  @AfterEach
  void stop() throws InterruptedException {
    if (pooler != null) {
      pooler.destroy();
      pooler.waitFor(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
      pooler.destroyForcibly();
    }
    database.close();
  }

  @Test
  void everybodySeesTheirOwnWhicheverConnectionItIs() throws Exception {
    ChatDatabase chat = new ChatDatabase(pooled.dataSource());
    UUID conversation = new UserChat(chat, alice.id()).getOrCreateConversation(bob.id());
    List<Callable<Void>> everybody = new ArrayList<>();
    AtomicInteger together = new AtomicInteger();
    for (int i = 0; i < 150; i++) {
      int number = i;
      everybody.add(
          () -> {
            new UserChat(chat, alice.id()).sendMessage(conversation, "message " + number);
            return null;
          });
      everybody.add(
          () -> {
            String call =
                "{\"conversation_id\":\"%s\",\"content\":\"together %d\"}"
                    .formatted(conversation, number);
            List<@Nullable String> answers =
                chat.sendTogether(List.of(bob.caller(), mallory.caller()), List.of(call, call));
            if (answers != null && answers.getFirst() != null) { // else somebody was writing there
              together.incrementAndGet();
            }
            return null;
          });
      everybody.add(
          () -> {
            assertEquals(0, (int) chat.as(mallory.id(), tx -> tx.fetchCount(USER_MESSAGES)));
            return null;
          });
      everybody.add(
          () -> {
            assertEquals(
                bob.id(),
                chat.reading(
                    bob.id(),
                    tx -> {
                      tx.fetchCount(USER_MESSAGES);
                      return tx.fetchSingle("select auth.uid()").get(0, UUID.class);
                    }));
            return null;
          });
      everybody.add(
          () -> {
            chat.call(mallory.caller(), true, "select '1' from (select ?::json) a", "{}");
            return null;
          });
      everybody.add(
          () -> {
            assertEquals("chat_login", bareUser());
            return null;
          });
    }
    try (ExecutorService clients = Executors.newFixedThreadPool(12)) {
      for (Future<Void> done : clients.invokeAll(everybody)) {
        done.get();
      }
    }
    assertEquals(150 + together.get(), (int) chat.as(bob.id(), tx -> tx.fetchCount(USER_MESSAGES)));
    assertEquals(
        "alice %d, bob %d".formatted(150, together.get()),
        database.ownerReads(
            "select format('alice %%s, bob %%s', count(*) filter (where sender_id = '%s'), count(*) filter (where sender_id = '%s')) from public.user_messages"
                .formatted(alice.id(), bob.id())));
  }

  private boolean answers() {
    try {
      return bareUser().equals("chat_login");
    } catch (SQLException e) {
      return false;
    }
  }

  private String bareUser() throws SQLException {
    try (Connection connection = pooled.connect();
        Statement statement = connection.createStatement();
        var row =
            statement.executeQuery(
                "select current_user || coalesce(current_setting('request.jwt.claims', true), '')")) {
      row.next();
      return row.getString(1);
    }
  }

  private static String installed() {
    return Stream.of("/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/opt/homebrew/bin/pgbouncer")
        .filter(program -> Files.isExecutable(Path.of(program)))
        .findFirst()
        .orElse(null);
  }
}
