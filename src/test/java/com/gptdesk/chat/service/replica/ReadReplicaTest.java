package com.gptdesk.chat.service.replica;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.embedded.EmbeddedDatabase;
import com.gptdesk.chat.database.embedded.Standby;
import com.gptdesk.chat.database.migration.Migrations;
import com.gptdesk.chat.database.migration.Platform;
import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.service.auth.TokenSettings;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.service.http.Reply;
import com.gptdesk.chat.service.http.RequestLimits;
import com.gptdesk.chat.service.rpc.CallableFunction;
import com.gptdesk.chat.service.rpc.DatabaseFunctions;
import com.gptdesk.chat.service.rpc.RpcEndpoint;
import com.gptdesk.chat.service.rpc.RpcRequest;
import com.gptdesk.chat.testing.Await;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Reads are answered by a real streaming replica, but never to somebody who would find less there
 * than they know of.
 */
class ReadReplicaTest {
  private static final String SECRET = "a secret that is at least 32 bytes long";
  private static final TokenIssuer ISSUER = new TokenIssuer(SECRET);
  private static final Duration NEVER_TOO_FAR = Duration.ofHours(1);
  private static final UUID ALICE = UUID.fromString("00000000-0000-4000-8000-00000000000a");
  private static final UUID BOB = UUID.fromString("00000000-0000-4000-8000-00000000000b");

  private static EmbeddedDatabase primary;
  private static Standby standby;
  private static String conversation;

  private HikariDataSource requests;
  private HikariDataSource reads;
  private ReadReplica replica;
  private RpcEndpoint node;

  @BeforeAll
  static void open() throws Exception {
    primary = EmbeddedDatabase.temporary(true);
    Migrations.of(primary.owner(), Platform.STANDALONE).migrate();
    primary.admitService();
    try (Connection connection = primary.owner().connect();
        Statement statement = connection.createStatement()) {
      statement.execute(
          """
          insert into public.teams (id, name) values ('00000000-0000-4000-8000-0000000000b1', 'Blue');
          insert into public.users (id, full_name, email, status, team_id) values
            ('%1$s', 'Alice Adams', 'alice@example.org', 'active', '00000000-0000-4000-8000-0000000000b1'),
            ('%2$s', 'Bob Brown', 'bob@example.org', 'active', '00000000-0000-4000-8000-0000000000b1'),
            ('00000000-0000-4000-9000-0000000000ca', 'Carol Clark', 'carol@example.org', 'active', '00000000-0000-4000-8000-0000000000b1');
          insert into public.user_blocks (blocker_id, blocked_id) values ('%1$s', '00000000-0000-4000-9000-0000000000ca');
          insert into public.push_subscriptions (user_id, endpoint, p256dh, auth)
            values ('%1$s', 'https://push.example/a', decode('04' || repeat('00', 64), 'hex'), decode(repeat('00', 16), 'hex'));
          create function public.read_where() returns text stable language sql as
            $$ select case when pg_is_in_recovery() then 'replica' else 'primary' end $$;
          grant execute on function public.read_where() to authenticated;
          create function public.needs_the_primary() returns bigint stable language sql security definer as
            $$ select count(*) from relay.presence $$;
          grant execute on function public.needs_the_primary() to authenticated;
          """
              .formatted(ALICE, BOB));
    }
    standby = new Standby(primary);
  }

  @AfterAll
  static void close() throws Exception {
    standby.close();
    primary.close();
  }

  @BeforeEach
  void start() {
    requests = pool(primary.service().dataSource(), Await.PATIENCE);
    reads = pool(standby.service().dataSource(), Await.PATIENCE);
    serve(NEVER_TOO_FAR);
    conversation =
        answer(
                ALICE,
                "get_or_create_conversation",
                "{\"user1_id\":\"%s\",\"user2_id\":\"%s\"}".formatted(ALICE, BOB))
            .replace("\"", "");
    awaitReads(ALICE, "replica");
    awaitReads(BOB, "replica");
  }

  /** By a replica that is not asked when it is further behind than this. */
  private void serve(Duration maxLag) {
    if (replica != null) {
      replica.close();
    }
    replica = replica(100_000, maxLag);
    node = node(replica);
  }

  @AfterEach
  void stop() {
    standby.resume();
    replica.close();
    reads.close();
    requests.close();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "get_conversations | {}",
        "get_unread_total  | {}",
        "get_blocked_users | {}",
        "get_push_subscriptions | {}",
        "get_messages      | {`conversation_id`:`?`}",
        "get_changes       | {`conversation_id`:`?`,`after_revision`:0}",
        "search_users      | {`query`:`bob`}",
        "search_messages   | {`query`:`lunch`}"
      })
  void everyFunctionThatOnlyReadsAnswersThere(String function, String arguments) {
    // The replica's no would be asked of the primary again, so the replica alone is asked.
    send("lunch");
    awaitReads(ALICE, "replica");
    String json = arguments.replace('`', '"').replace("?", conversation);
    DatabaseFunctions functions = new DatabaseFunctions(new ServiceDatabase(requests));
    CallableFunction callable =
        functions.functions().stream()
            .filter(one -> one.name().equals(function))
            .findFirst()
            .orElseThrow();
    assertTrue(!callable.writes());
    List<String> names =
        callable.argumentNames().stream().filter(name -> json.contains('"' + name + '"')).toList();
    ReadReplica.Answer answer =
        replica.call(
            com.gptdesk.chat.database.Caller.user(ALICE),
            ALICE,
            null,
            functions.statement(callable, names),
            json);
    assertNotNull(answer, function + " does not work on a replica");
    assertTrue(String.valueOf(answer.json()).length() > 10, answer.json());
  }

  @Test
  void everyReadingFunctionIsInTheListAbove() {
    assertEquals(
        List.of(
            "get_blocked_users",
            "get_changes",
            "get_conversations",
            "get_messages",
            "get_push_subscriptions",
            "get_unread_total",
            "search_messages",
            "search_users"),
        new DatabaseFunctions(new ServiceDatabase(requests))
            .functions().stream()
                .filter(function -> !function.writes())
                .map(CallableFunction::name)
                .distinct()
                .sorted()
                .toList());
  }

  @Test
  void whatAReplicaCannotDoThePrimaryDoes() {
    assertEquals("0", answer(ALICE, "needs_the_primary", "{}"));
    assertEquals("replica", where(ALICE, null), "one refusal says nothing of the next read");
  }

  @Test
  void whoWroteReadsTheOwnWriteAtOnce() {
    standby.pause();
    send("you see this at once");
    assertTrue(messages(ALICE, null).contains("you see this at once"));
    assertEquals("primary", where(ALICE, null));
    assertEquals("replica", where(BOB, null), "the control: others read there");

    standby.resume();
    awaitReads(ALICE, "replica");
    assertTrue(messages(ALICE, null).contains("you see this at once"));
  }

  @Test
  void aWriteOnAnotherNodeIsSeenByItsHeader() {
    try (ReadReplica otherReplica = replica(100_000, NEVER_TOO_FAR)) {
      RpcEndpoint other = node(otherReplica);
      Await.until("the other node to use it", otherReplica::isUsable);
      standby.pause();
      String position = send("written elsewhere").headers().get(RpcRequest.POSITION);

      assertTrue(messages(other, ALICE, position).contains("written elsewhere"));
      assertTrue(
          !messages(other, ALICE, null).contains("written elsewhere"),
          "the control: without it the replica answers");
      standby.resume();
      Await.until(
          "the replica to have replayed it",
          () -> unquoted(ask(other, ALICE, "read_where", "{}", position)).equals("replica"));
      assertTrue(messages(other, ALICE, position).contains("written elsewhere"));
    }
  }

  @Test
  void whoWasToldOfAChangeReadsIt() {
    standby.pause();
    send("Bob is told");
    replica.requireFresh(BOB);
    assertTrue(messages(BOB, null).contains("Bob is told"));
    replica.requireFreshForAll();
    assertEquals("primary", where(UUID.randomUUID(), null));

    standby.resume();
    awaitReads(BOB, "replica");
    assertTrue(messages(BOB, null).contains("Bob is told"));
  }

  @Test
  void whoIsForgottenIsNotForgottenTooSoon() {
    try (ReadReplica small = replica(1, NEVER_TOO_FAR)) {
      RpcEndpoint other = node(small);
      Await.until("the other node to use it", small::isUsable);
      standby.pause();
      ask(other, ALICE, "send_message", message("Alice's"), null);
      ask(other, BOB, "send_message", message("Bob's"), null);
      assertTrue(messages(other, ALICE, null).contains("Alice's"));
      assertTrue(messages(other, BOB, null).contains("Bob's"));
    }
  }

  @Test
  void aReplicaFarBehindIsLeftUntilItIsNear() {
    serve(Duration.ofSeconds(1));
    awaitReads(BOB, "replica");
    standby.pause();
    send("something to be behind of");
    awaitReads(BOB, "primary");
    standby.resume();
    awaitReads(BOB, "replica");
  }

  @Test
  void aReplicaThatDiesIsNotMissed() throws Exception {
    HikariDataSource patient = reads;
    reads = pool(standby.service().dataSource(), Duration.ofSeconds(1));
    serve(NEVER_TOO_FAR);
    patient.close();
    awaitReads(BOB, "replica");
    standby.kill();
    try {
      for (int i = 0; i < 20; i++) {
        send("number " + i + ".");
        assertTrue(messages(ALICE, null).contains("number " + i + "."));
        assertTrue(messages(BOB, null).contains("number " + i + "."));
        assertEquals("primary", where(BOB, null));
      }
    } finally {
      standby.start();
    }
    awaitReads(BOB, "replica");
    assertTrue(messages(BOB, null).contains("number 19."));
  }

  @Test
  void aHeaderThatIsNoneIsRefused() {
    Reply reply = ask(node, ALICE, "read_where", "{}", "yesterday");
    assertEquals(400, reply.status());
    assertTrue(String.valueOf(reply.body()).contains("16/B374D848"), reply.body());
    assertEquals("primary", where(ALICE, "7FFFFFFF/0"), "a position of the future is only late");
  }

  private HikariDataSource pool(javax.sql.DataSource source, Duration patience) {
    HikariConfig settings = new HikariConfig();
    settings.setDataSource(source);
    settings.setMaximumPoolSize(4);
    settings.setConnectionTimeout(patience.toMillis());
    settings.setInitializationFailTimeout(-1);
    return new HikariDataSource(settings);
  }

  private ReadReplica replica(int maxCallers, Duration maxLag) {
    ReadReplica made =
        new ReadReplica(
            requests, reads, new ReplicaSettings(standby.service(), 4, maxLag, maxCallers), null);
    made.start();
    return made;
  }

  private RpcEndpoint node(ReadReplica itsReplica) {
    return new RpcEndpoint(
        new ServiceDatabase(requests),
        List.of("needs_the_primary", "read_where"), // of this test
        itsReplica,
        new TokenVerifier(TokenSettings.ofSecret(SECRET)),
        RequestLimits.ample(),
        true);
  }

  private Reply send(String content) {
    Reply reply = ask(node, ALICE, "send_message", message(content), null);
    assertEquals(200, reply.status(), reply.body());
    assertTrue(reply.headers().containsKey(RpcRequest.POSITION), "a write says where it is");
    return reply;
  }

  private static String message(String content) {
    return "{\"conversation_id\":\"%s\",\"content\":\"%s\"}".formatted(conversation, content);
  }

  private String messages(UUID person, @Nullable String position) {
    return messages(node, person, position);
  }

  private static String messages(RpcEndpoint node, UUID person, @Nullable String position) {
    Reply reply =
        ask(
            node,
            person,
            "get_messages",
            "{\"conversation_id\":\"%s\"}".formatted(conversation),
            position);
    assertEquals(200, reply.status(), reply.body());
    return String.valueOf(reply.body());
  }

  private String where(UUID person, @Nullable String position) {
    return unquoted(ask(node, person, "read_where", "{}", position));
  }

  private void awaitReads(UUID person, String place) {
    Await.value("reads at the " + place, () -> where(person, null), place::equals);
  }

  private String answer(UUID person, String function, String arguments) {
    Reply reply = ask(node, person, function, arguments, null);
    assertEquals(200, reply.status(), reply.body());
    return String.valueOf(reply.body());
  }

  private static String unquoted(Reply reply) {
    return String.valueOf(reply.body()).replace("\"", "");
  }

  private static Reply ask(
      RpcEndpoint node, UUID person, String function, String arguments, @Nullable String position) {
    return node.answer(
        new RpcRequest(
            "POST",
            function,
            List.<Map.Entry<String, String>>of(),
            "Bearer " + ISSUER.forUser(person, Duration.ofMinutes(5)),
            null,
            "public",
            "*/*",
            "application/json",
            null,
            position,
            ByteBuffer.wrap(arguments.getBytes(StandardCharsets.UTF_8))));
  }
}
