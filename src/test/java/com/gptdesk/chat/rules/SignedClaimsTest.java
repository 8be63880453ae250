package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.gptdesk.chat.client.UserChat;
import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.ClaimsSigner;
import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.policies.PolicyReport;
import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.ChangeListener;
import com.gptdesk.chat.relay.Relay;
import com.gptdesk.chat.relay.RelaySettings;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.service.database.StoredSettings;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.TestDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Where the database believes signed claims alone, who has the login and any SQL is nobody; who
 * signs is who the claims say.
 */
@Tag("once")
class SignedClaimsTest extends Rules {

  private static final String SECRET = "a secret of the claims, of 32 bytes and more";
  private static final ClaimsSigner SIGNER = new ClaimsSigner(SECRET, Duration.ofMinutes(1));

  private static final List<String> ROLES = List.of("authenticated", "service_role", "chat_relay");

  /** As public.user_blocks or chat.fold( in a statement. */
  private static final Pattern NAME = Pattern.compile("((?:public|chat|relay)[.])(\\w+)");

  /** What says nothing of anybody, and does nothing that another session could not do by itself. */
  private static final Set<String> HARMLESS =
      Set.of(
          "authenticated: select chat.fold",
          "service_role: select chat.fold",
          "authenticated: select chat.search_terms",
          "service_role: select chat.search_terms",
          "chat_relay: select chat.message_partitions_ahead",
          "chat_relay: select relay.claim_slot",
          "chat_relay: select relay.sleep",
          "chat_relay: select relay.wake",
          "chat_relay: select relay.published_columns");

  /** False, and what holds nothing. */
  private static final Set<String> NOTHING = Set.of("", "f", "{}", "[]", "({},{})");

  private UUID conversation;
  private UUID message;

  SignedClaimsTest() {
    super(TestDatabase.fresh());
  }

  @BeforeEach
  void theDatabaseKnowsTheSecret() {
    conversation = alice.talksTo(bob);
    message = alice.sends(conversation, "hi").getId();
    // A row of everything.
    alice.edits(message, "ho");
    alice.is("online", "/here");
    alice.does(
        tx ->
            tx.fetch(
                "select public.add_reaction(?, ':x:'), public.set_archived(?, true), public.block_user(?)",
                message,
                conversation,
                carol.id()));
    database.asOwner(
        "insert into public.push_subscriptions (user_id, endpoint, p256dh, auth)"
            + " select u.id, 'https://push.example/' || u.id, decode('04' || repeat('00', 64), 'hex'), decode(repeat('00', 16), 'hex')"
            + " from public.users u");
    database.ownerReads("select chat.add_webhook('desk', 'https://desk.example/hook')");
    database.ownerReads("select chat.rotate_webhook_secret('desk')");
    new StoredSettings(null, null, SECRET).write(database.owner());
  }

  @Test
  void aLoginAloneReadsNothingAndDoesNothing() throws SQLException {
    List<String> claims =
        List.of(
            alice.caller().claims(),
            "{\"sub\":\"%s\",\"role\":\"authenticated\",\"chat_expires\":99999999999999,\"chat_signature\":\"%s\"}"
                .formatted(alice.id(), "0".repeat(64)),
            new ClaimsSigner("another secret, of 32 bytes and more, too", Duration.ofMinutes(1))
                .sign(alice.caller().claims()),
            SIGNER
                .sign(alice.caller().claims())
                .replace(alice.id().toString(), bob.id().toString()),
            new ClaimsSigner(SECRET, Duration.ofMinutes(-1)).sign(alice.caller().claims()),
            "not JSON");
    for (String said : claims) {
      assertEquals(Set.of(), without(HARMLESS, outcomes(said)), said);
    }
  }

  /** The control: all of it gives something to whom it should. */
  @Test
  void withoutASecretTheSameStatementsDoSomething() throws SQLException {
    database.asOwner("update chat.settings set claims_secret = null");
    Set<String> done = outcomes(alice.caller().claims());
    for (String expected :
        List.of(
            "authenticated: select public.get_messages",
            "authenticated: select * from public.user_messages",
            "service_role: select * from public.user_messages",
            "service_role: select * from public.users",
            "chat_relay: select relay.tail",
            "chat_relay: select relay.presence_of",
            "chat_relay: select relay.audience_of_person")) {
      assertEquals(true, done.contains(expected), () -> expected + " is not among " + done);
    }
  }

  /** Each place that asks for the signature, taken away: what it guards is open to a login. */
  @Test
  void everyGuardIsNeeded() throws SQLException {
    Set<String> idle = new TreeSet<>();
    int guards = 0;
    for (Map.Entry<String, String> guard : guards().entrySet()) {
      guards++;
      String kept = database.ownerReads(guard.getKey());
      database.asOwner(guard.getValue());
      if (!letsThrough(guard.getKey())) {
        idle.add(guard.getKey());
      }
      database.asOwner(kept);
    }
    assertEquals(Set.of(), idle);
    assertEquals(true, guards > 30, "guards: " + guards);
  }

  /**
   * What says how a thing is, and the statement that makes it the same without its guard. Not of
   * retention, which has nothing to do here, and not of what reads the log, since relay.tail asks
   * again.
   */
  private Map<String, String> guards() {
    Map<String, String> guards = new LinkedHashMap<>();
    for (String policy :
        column(
            "select format('%I on %I.%I', policyname, schemaname, tablename) from pg_policies"
                + " where concat(qual, with_check) like '%claims_hold%' order by 1")) {
      boolean isInsert =
          policy.contains("create conversations") || policy.contains("send messages");
      String clause = isInsert ? "with check" : "using";
      guards.put(
          "select 'alter policy %s %s ((select chat.claims_hold()))'"
              .formatted(policy.replace("'", "''"), clause),
          "alter policy %s %s (true)".formatted(policy, clause));
    }
    for (String function :
        column(
            "select p.oid::regprocedure from pg_proc p where p.pronamespace::regnamespace::text in ('chat', 'relay')"
                + " and p.prosrc ~ 'claims_hold\\(\\)|demand_claims_of\\(' and p.proname !~ 'claims' and p.proname not in ('apply_retention', 'read_log', 'fill_webhook_events') order by 1")) {
      String definition = "select pg_get_functiondef('%s'::regprocedure)".formatted(function);
      guards.put(
          definition,
          database
              .ownerReads(definition)
              .replace("chat.claims_hold()", "true")
              .replace("chat.demand_claims_of('chat_relay')", "true")
              .replace("chat.demand_claims_of('service_role')", "true")
              .replace("perform true;", ""));
    }
    return guards;
  }

  /** A signature is for one role: Alice's does not make a back end of who has it. */
  @Test
  void aPersonsSignatureIsOfNoOtherRole() throws SQLException {
    Set<String> done = outcomes(SIGNER.sign(alice.caller().claims()));
    done.removeIf(statement -> statement.startsWith("authenticated: "));
    assertEquals(Set.of(), without(HARMLESS, done));
  }

  @Test
  void whoSignsIsWhoTheClaimsSay() {
    ServiceDatabase chat = database.chat().signedBy(SIGNER);
    UserChat bobs = new UserChat(chat, bob.id());
    assertEquals(1, bobs.getMessages(conversation).size());
    String statement =
        "select coalesce(json_agg(r), '[]')::text from (select ?::json) a, public.get_messages('%s') r"
            .formatted(conversation);
    assertEquals(
        true, String.valueOf(chat.call(bob.caller(), true, statement, "{}")).contains("\"ho\""));
    assertEquals(
        1,
        chat.reading(Caller.service(), tx -> tx.fetch("select id from public.user_messages"))
            .size());
    Refusal refused =
        assertThrows(
            Refusal.class,
            () -> new UserChat(database.chat(), bob.id()).sendMessage(conversation, "unsigned"));
    assertEquals("PT403", refused.code());
  }

  /** It has no guard in a policy: it writes the log as the owner. */
  @Test
  void aBackEndBroadcastsWithSignedClaimsAlone() {
    String send = "select realtime.send('{}', 'hi', 'user-" + bob.id() + "')";
    assertEquals(
        "PT403",
        assertThrows(Refusal.class, () -> database.chat().asService(tx -> tx.execute(send)))
            .code());
    database.chat().signedBy(SIGNER).asService(tx -> tx.execute(send)); // the control
    database.asOwner(send);
  }

  /** Several people's claims in one call: each is asked for by itself. */
  @Test
  void inABatchEachIsWhoTheirOwnClaimsSay() throws SQLException {
    UUID carols = UUID.fromString("00000000-0000-4000-8000-0000000000ac");
    database.asOwner(
        "delete from public.user_blocks; insert into public.user_conversations (id, participant_1_id, participant_2_id, created_by) values ('%s', '%s', '%s', '%2$s')"
            .formatted(carols, alice.id(), carol.id()));
    String hers = SIGNER.sign(alice.caller().claims());
    List<String> believed =
        List.of(
            hers,
            SIGNER.sign(bob.caller().claims()),
            new ClaimsSigner(SECRET, Duration.ofMinutes(1)).sign(alice.caller().claims()));
    List<String> notBelieved =
        List.of(
            alice.caller().claims(),
            "{\"sub\":\"%s\",\"role\":\"authenticated\",\"chat_expires\":99999999999999,\"chat_signature\":\"%s\"}"
                .formatted(alice.id(), "0".repeat(64)),
            new ClaimsSigner("another secret, of 32 bytes and more, too", Duration.ofMinutes(1))
                .sign(alice.caller().claims()),
            hers.replace(alice.id().toString(), bob.id().toString()),
            new ClaimsSigner(SECRET, Duration.ofMinutes(-1)).sign(alice.caller().claims()),
            SIGNER.sign("{\"sub\":\"%s\",\"role\":\"service_role\"}".formatted(alice.id())),
            SIGNER.sign(ServiceDatabase.RELAY.claims()),
            "not JSON",
            "");
    for (String said : notBelieved) {
      // Of another conversation than what is believed, which therefore need not wait for it.
      List<@Nullable String> answers = together(List.of(hers, said), List.of(conversation, carols));
      assertNotNull(answers.get(0));
      assertNull(answers.get(1), said);
    }
    for (String said : believed) {
      assertNotNull(together(List.of(said), List.of(conversation)).getFirst(), said);
    }
    // The control: without a secret it is not the claims that hold it up.
    database.asOwner("update chat.settings set claims_secret = null");
    assertNotNull(together(List.of(alice.caller().claims()), List.of(carols)).getFirst());
    assertEquals(
        bob.id().toString(),
        database.ownerReads(
            "select string_agg(distinct sender_id::text, ',') from public.user_messages where content = '1' and sender_id <> '%s'"
                .formatted(alice.id())),
        "only Bob's own claims have spoken for Bob");
  }

  private List<@Nullable String> together(List<String> claims, List<UUID> conversations)
      throws SQLException {
    List<@Nullable String> answers = new ArrayList<>();
    try (Connection login = database.service().connect();
        PreparedStatement call = login.prepareStatement("select chat.send_messages(?, ?)")) {
      call.setArray(1, login.createArrayOf("text", claims.toArray()));
      call.setArray(
          2,
          login.createArrayOf(
              "text",
              conversations.stream()
                  .map(id -> "{\"conversation_id\":\"%s\",\"content\":\"1\"}".formatted(id))
                  .toArray()));
      try (ResultSet rows = call.executeQuery()) {
        while (rows.next()) {
          answers.add(rows.getString(1));
        }
      }
    }
    return answers;
  }

  @Test
  void theSecretOfBeforeHoldsUntilItIsForgotten() {
    new StoredSettings(null, null, "the next secret, of 32 bytes and more, too")
        .write(database.owner());
    UserChat old = new UserChat(database.chat().signedBy(SIGNER), bob.id());
    assertEquals(1, old.getMessages(conversation).size());
    database.asOwner("update chat.settings set previous_claims_secret = null");
    assertThrows(Refusal.class, () -> old.sendMessage(conversation, "too late"));
  }

  @Test
  void aRelayThatSignsHears() throws Exception {
    List<Change> heard = new CopyOnWriteArrayList<>();
    Login service = database.service();
    RelaySettings settings =
        RelaySettings.of(service.url(), service.user(), service.password())
            .withClaims(() -> SIGNER.sign(ServiceDatabase.RELAY.claims()));
    try (Relay relay =
        new Relay(
            settings,
            new ChangeListener() {
              @Override
              public void changed(Change change) {
                heard.add(change);
              }

              @Override
              public void resync(String reason) {}
            })) {
      relay.start();
      Await.until("it hears", relay::isUpToDate);
      new UserChat(database.chat().signedBy(SIGNER), alice.id())
          .sendMessage(conversation, "signed");
      Await.until("the message", () -> !heard.isEmpty());
    }
  }

  @Test
  void theSecretIsReadByNobodyAndThePoliciesAreStillVerified() throws SQLException {
    try (Connection login = database.service().connect();
        Statement statement = login.createStatement()) {
      for (String column :
          List.of(
              "claims_secret", "previous_claims_secret", "claims_pads", "previous_claims_pads")) {
        SQLException refused =
            assertThrows(
                SQLException.class,
                () -> statement.executeQuery("select " + column + " from chat.settings"));
        assertEquals("42501", refused.getSQLState());
      }
    }
    assertEquals(List.of(), PolicyReport.of(database.owner()).causes());
    assertEquals(SECRET, database.ownerReads("select claims_secret from chat.settings"));
  }

  private static Set<String> without(Set<String> some, Set<String> all) {
    Set<String> left = new TreeSet<>(all);
    left.removeAll(some);
    return left;
  }

  /**
   * Whether unsigned claims do any harm now; asks first what names the same things as the guard.
   */
  private boolean letsThrough(String guard) throws SQLException {
    List<String> statements = attempted();
    statements.sort(
        Comparator.comparing(
            statement ->
                NAME.matcher(statement)
                    .results()
                    .noneMatch(name -> guard.contains(name.group(1) + name.group(2)))));
    try (Connection session = database.service().connect()) {
      session.setAutoCommit(false);
      for (String statement : statements) {
        for (String role : ROLES) {
          if (!HARMLESS.contains(outcome(role, statement))
              && gives(session, role, alice.caller().claims(), statement)) {
            return true;
          }
        }
      }
    }
    return false;
  }

  /**
   * Which statements give a row, or change one, to a login that takes a role and says this; as the
   * relay, which are not refused.
   */
  private Set<String> outcomes(String claims) throws SQLException {
    List<String> statements = attempted();
    Set<String> done = new TreeSet<>();
    try (Connection session = database.service().connect()) {
      session.setAutoCommit(false);
      for (String role : ROLES) {
        for (String statement : statements) {
          if (gives(session, role, claims, statement)) {
            done.add(outcome(role, statement));
          }
        }
      }
    }
    return done;
  }

  private static String outcome(String role, String statement) {
    return role + ": " + statement.replaceFirst("\\(.*", "");
  }

  private List<String> attempted() {
    List<String> statements = new ArrayList<>(statements(conversation, message));
    for (String table : column("select tablename from pg_tables where schemaname = 'public'")) {
      statements.add("select * from public." + table);
    }
    statements.add(
        "insert into public.user_conversations (participant_1_id, participant_2_id, created_by) values ('%1$s', '%2$s', '%1$s')"
            .formatted(bob.id(), carol.id()));
    statements.add("delete from public.user_conversations");
    statements.add("select user_id from public.user_presence");
    statements.add("select id from public.push_subscriptions");
    statements.add("select chat.add_webhook('another', 'https://desk.example/hook')");
    for (String function :
        List.of(
            "test_webhook",
            "pause_webhook",
            "rotate_webhook_secret",
            "end_webhook_rotation",
            "retry_dead_letters",
            "remove_webhook")) {
      statements.add("select chat.%s('desk')".formatted(function));
    }
    statements.add("select relay.open()");
    statements.add("select relay.tail(gen_random_uuid(), pg_current_snapshot()::text, 1)");
    return statements;
  }

  private static boolean gives(Connection session, String role, String claims, String sql)
      throws SQLException {
    try (Statement statement = session.createStatement();
        PreparedStatement claim =
            session.prepareStatement("select set_config('request.jwt.claims', ?, true)")) {
      claim.setString(1, claims);
      claim.execute();
      statement.execute("set local role " + role);
      if (!statement.execute(sql)) {
        return statement.getUpdateCount() > 0;
      }
      try (ResultSet row = statement.getResultSet()) {
        boolean something = role.equals("chat_relay");
        while (row.next()) {
          String value = row.getString(1);
          something |= value != null && !NOTHING.contains(value);
        }
        return something;
      }
    } catch (SQLException refused) {
      // The relay's functions do something where they are not refused by right.
      return role.equals("chat_relay") && !Set.of("42501", "PT403").contains(refused.getSQLState());
    } finally {
      session.rollback();
    }
  }
}
