package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.database.internal.relay.Routines;
import com.gptdesk.chat.relay.Audience;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;
import org.jooq.Configuration;
import org.jooq.JSON;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Who may say and show what on which topic. */
class TopicsRulesTest {
  private static final UUID NODE = UUID.fromString("00000000-0000-4000-8000-000000000001");
  private static final UUID OTHER_NODE = UUID.fromString("00000000-0000-4000-8000-000000000002");

  private TestDatabase database;
  private Person alice;
  private Person bob;
  private Person carol;
  private Person mallory;
  private UUID conversation;
  private String talk;
  private String blue;

  @BeforeEach
  void twoPeopleTalk() {
    database = TestDatabase.fresh();
    alice = database.alice();
    bob = database.bob();
    carol = database.carol();
    mallory = database.mallory();
    conversation = alice.talksTo(bob);
    talk = "conversation-" + conversation;
    blue = "team-" + TestDatabase.BLUE;
    asRelay(configuration -> Routines.touchNode(configuration, NODE));
  }

  @AfterEach
  void close() {
    database.close();
  }

  /** A client speaks through the service, which says by whose right. */
  @Test
  void onlyTriggersAndBackEndsCallTheFunctionsOfSchemaRealtime() {
    String send = "select realtime.send('{}', 'hi', '" + blue + "')";
    for (Person person : List.of(alice, mallory)) {
      assertEquals(
          "42501", assertThrows(Refusal.class, () -> person.tries(tx -> tx.execute(send))).code());
    }
    database.chat().asService(tx -> tx.execute(send)); // the control
    database.asOwner(send);
    // A broadcast of a trigger's goes with what the trigger is about, which is kept.
    assertEquals(
        "on",
        database.ownerReads(
            "with begun as materialized (select set_config('synchronous_commit', 'on', true)),"
                + " sent as materialized ("
                + send
                + " from begun) select current_setting('synchronous_commit') from sent"));
    for (String wrong :
        List.of(
            "select realtime.send(null, 'hi', 'lobby')",
            "select realtime.send('{}', '', 'lobby')",
            "select realtime.send('{}', 'hi', null)",
            "select realtime.send(to_jsonb(repeat('x', 1000000)), 'hi', 'lobby')",
            "select realtime.broadcast_changes('lobby', 'e', 'INSERT', 't', 's', row(1), null, 'STATEMENT')")) {
      Refusal refusal =
          assertThrows(
              Refusal.class, () -> database.chat().asService(tx -> tx.execute(wrong)), wrong);
      assertEquals("PT400 broadcast", refusal.code() + " " + refusal.details());
    }
  }

  @Test
  void aConversationIsForItsTwoPeople() {
    assertTrue(mayUse(talk, alice));
    assertTrue(mayUse(talk, bob));
    assertFalse(mayUse(talk, carol));
    assertFalse(mayUse(talk, mallory));
    assertEquals(Set.of(Audience.user(alice.id()), Audience.user(bob.id())), audiences(talk));
  }

  @Test
  void aTeamIsForItsActiveMembers() {
    assertTrue(mayUse(blue, carol));
    assertFalse(mayUse(blue, mallory));
    assertFalse(mayUse(blue, database.ivan()));
    assertEquals(Set.of(Audience.team(TestDatabase.BLUE)), audiences(blue));
  }

  @Test
  void aPersonsTopicIsForThatPerson() {
    assertTrue(mayUse("user-" + alice.id(), alice));
    assertFalse(mayUse("user-" + alice.id(), bob));
    assertEquals(Set.of(), audiences("user-" + database.ivan().id()));
  }

  @Test
  void noOtherNameCarriesAnything() {
    for (String name :
        List.of(
            "room1",
            "",
            "team-x",
            "conversation-" + UUID.randomUUID(),
            "team-" + alice.id(),
            "user-" + TestDatabase.BLUE,
            talk + "x",
            talk + "\n")) {
      assertEquals(Set.of(), audiences(name), name);
      assertFalse(mayUse(name, alice), name);
      assertRefused("PT403", () -> send(name, alice));
    }
  }

  @Test
  void whatIsSaidIsLoggedForThoseWhoMayHear() {
    send(talk, alice);
    assertEquals(
        "{\"topic\":\""
            + talk
            + "\",\"event\":\"e\",\"origin\":\"here\",\"payload\":{\"é\": 1.50}}",
        lastRecord("broadcast"));
    assertEquals(
        "t",
        database.ownerReads(
            "select audience @> array['%s', '%s']::uuid[] and cardinality(audience) = 2 from relay.change_log where table_name = 'broadcast'"
                .formatted(alice.id(), bob.id())));
  }

  @Test
  void bytesAreLoggedAsBase64OnOneLine() {
    byte[] bytes = new byte[300];
    asRelay(
        configuration -> {
          Routines.send(configuration, talk, "e", null, bytes, null, alice.id());
          return 0;
        });
    assertTrue(lastRecord("broadcast").endsWith("\"binary\":\"" + "A".repeat(400) + "\"}"));
  }

  @Test
  void whoMayNotSpeakIsRefused() {
    assertRefused("PT403", () -> send(talk, mallory));
    assertRefused("PT403", () -> send(talk, carol));
    assertRefused("PT403", () -> send(blue, database.ivan()));
    assertRefused("PT403", () -> send(blue, mallory));
    assertEquals("0", logged("broadcast"));
    send(talk, bob);
    send(blue, carol);
    send("user-" + carol.id(), carol);
    assertEquals("3", logged("broadcast"));
  }

  @Test
  void aBackEndMaySendAnywhereAndWhereNobodyCanBeNothingIsLogged() {
    send(talk, null);
    send("room1", null);
    assertEquals("1", logged("broadcast"));
  }

  @Test
  void aBroadcastIsJsonOrBytesAndHasAnEvent() {
    assertRefused(
        "PT400",
        () ->
            asRelay(
                configuration -> {
                  Routines.send(configuration, talk, "e", null, null, null, alice.id());
                  return 0;
                }));
    assertRefused(
        "PT400",
        () ->
            asRelay(
                configuration -> {
                  Routines.send(configuration, talk, "", JSON.json("{}"), null, null, alice.id());
                  return 0;
                }));
  }

  @Test
  void whoIsBlockedOrLeftTheTeamSpeaksNoLonger() {
    bob.tries(tx -> com.gptdesk.chat.jooq.Routines.blockUser(tx.configuration(), alice.id()));
    assertRefused("PT403", () -> send(talk, alice));
    assertRefused("PT403", () -> send(talk, bob));
    bob.tries(tx -> com.gptdesk.chat.jooq.Routines.unblockUser(tx.configuration(), alice.id()));
    send(talk, alice);

    database.asOwner(
        "update public.users set team_id = '%s' where id = '%s'"
            .formatted(TestDatabase.RED, bob.id()));
    assertRefused("PT403", () -> send(talk, alice));
    assertRefused("PT403", () -> send(talk, bob));
    assertTrue(mayUse(talk, bob)); // What was said there stays theirs.
  }

  @Test
  void whatIsShownIsToldAsComingChangingAndGoing() {
    String first = track("a/1", talk, alice, "{\"mood\":\"fine\"}");
    assertEquals(
        "{\"joins\":{\"key a/1\":{\"metas\":[{\"phx_ref\":\"%s\",\"mood\":\"fine\"}]}},\"leaves\":{}}"
            .formatted(first),
        lastDiff());

    String second = track("a/1", talk, alice, "{}");
    assertEquals(
        "{\"joins\":{\"key a/1\":{\"metas\":[{\"phx_ref\":\"%s\"}]}},\"leaves\":{\"key a/1\":{\"metas\":[{\"phx_ref\":\"%s\",\"mood\":\"fine\"}]}}}"
            .formatted(second, first),
        lastDiff());
    assertEquals("{\"key a/1\":{\"metas\":[{\"phx_ref\":\"" + second + "\"}]}}", state(talk));

    assertEquals(1, counts(c -> Routines.untrack(c, new String[] {"a/1", "a/2"})));
    assertEquals(
        "{\"joins\":{},\"leaves\":{\"key a/1\":{\"metas\":[{\"phx_ref\":\"" + second + "\"}]}}}",
        lastDiff());
    assertEquals("{}", state(talk));
  }

  @Test
  void theSameAgainIsNothingNew() {
    String ref = track("a/1", talk, alice, "{\"x\":1}");
    assertEquals(ref, track("a/1", talk, alice, "{\"x\":1}"));
    assertEquals("1", logged("presence"));
  }

  @Test
  void onlyWhoMaySpeakShowsHimself() {
    assertRefused("PT403", () -> track("m/1", talk, mallory, "{}"));
    assertRefused("PT403", () -> track("m/1", blue, mallory, "{}"));
    assertRefused("PT403", () -> track("m/1", "room1", mallory, "{}"));
    track("a/1", talk, alice, "{}");
    assertEquals("1", logged("presence"));
  }

  @Test
  void whoLeavesTheTeamIsNoLongerThereAndTheOthersAreTold() {
    track("b/1", blue, bob, "{}");
    track("b/2", talk, bob, "{}");
    track("a/1", talk, alice, "{}");
    track("a/2", blue, alice, "{}");
    track("b/3", "user-" + bob.id(), bob, "{}");

    database.asOwner(
        "update public.users set team_id = '%s' where id = '%s'"
            .formatted(TestDatabase.RED, bob.id()));

    assertEquals(Set.of("a/2", "b/3"), origins());
    assertEquals(
        "t",
        database.ownerReads(
            "select bool_or(audience = '{}' and team_audience = array['%s'::uuid] and record like '%%\"leaves\":{\"key b/1\"%%') from relay.change_log where table_name = 'presence'"
                .formatted(TestDatabase.BLUE)));
  }

  @Test
  void whoIsDeactivatedOrDeletedIsNoLongerThere() {
    track("a/1", talk, alice, "{}");
    track("b/1", talk, bob, "{}");
    track("c/1", blue, carol, "{}");
    database.asOwner(
        "update public.users set status = 'gone' where id = '%s'".formatted(carol.id()));
    assertEquals(Set.of("a/1", "b/1"), origins());
    database.asOwner("delete from public.users where id = '%s'".formatted(bob.id()));
    assertEquals(Set.of(), origins());
    assertRefused("PT403", () -> send(talk, alice));
  }

  @Test
  void aDeletedConversationAndABlockEndPresenceThere() {
    track("a/1", talk, alice, "{}");
    track("a/2", blue, alice, "{}");
    bob.tries(tx -> com.gptdesk.chat.jooq.Routines.blockUser(tx.configuration(), alice.id()));
    assertEquals(Set.of("a/2"), origins());
    bob.tries(tx -> com.gptdesk.chat.jooq.Routines.unblockUser(tx.configuration(), alice.id()));

    track("a/1", talk, alice, "{}");
    database.asOwner("delete from public.user_conversations where id = '" + conversation + "'");
    assertEquals(Set.of("a/2"), origins());
  }

  @Test
  void aNodeThatIsNotSeenLosesItsPresenceAndWritesItAgainWhenItIsBack() {
    asRelay(configuration -> Routines.touchNode(configuration, OTHER_NODE));
    track("a/1", talk, alice, "{}");
    track("a/2", blue, alice, "{}");
    asRelay(
        c -> {
          Routines.track(c, "b/1", OTHER_NODE, talk, "key b/1", "r", bob.id(), "{}");
          return 0;
        });
    database.asOwner(
        "update relay.nodes set seen = seen - interval '1 hour' where node = '" + NODE + "'");

    assertEquals(2, counts(Routines::expireNodes));
    assertEquals(Set.of("b/1"), origins());
    assertEquals(0, counts(Routines::expireNodes));

    assertRefused("PT410", () -> track("a/1", talk, alice, "{}"));
    assertFalse(holds(c -> Routines.touchNode(c, NODE)));
    assertTrue(holds(c -> Routines.touchNode(c, NODE)));
    String rows =
        """
        [{"origin":"a/1","topic":"%s","key":"k","ref":"r1","user_id":"%s","meta":"{}"},
         {"origin":"m/1","topic":"%s","key":"k","ref":"r2","user_id":"%s","meta":"{}"}]"""
            .formatted(talk, alice.id(), talk, mallory.id());
    assertEquals(1, counts(c -> Routines.trackAgain(c, NODE, JSON.json(rows))));
    assertEquals(Set.of("a/1", "b/1"), origins());
    assertEquals(1, counts(c -> Routines.forgetNode(c, NODE)));
  }

  @Test
  void onTheTeamsTopicABlockHidesTheTwoFromEachOther() {
    track("a/1", blue, alice, "{\"at\":\"desk\"}");
    track("b/1", blue, bob, "{}");
    assertTrue(stateFor(bob).contains("key a/1"), stateFor(bob));
    String before = logged("presence");

    bob.blocks(alice.id());

    assertEquals("2", difference(before, logged("presence")));
    assertEquals(
        List.of(bob.id() + " {\"key a/1\"}", alice.id() + " {\"key b/1\"}"),
        sights("leaves", before));
    for (Person each : List.of(alice, bob)) {
      assertEquals(each == alice, stateFor(each).contains("key a/1"), stateFor(each));
      assertEquals(each == bob, stateFor(each).contains("key b/1"), stateFor(each));
    }
    assertTrue(stateFor(carol).contains("key a/1") && stateFor(carol).contains("key b/1"));
    assertEquals(stateFor(carol), state(blue));

    // What one shows meanwhile is for the others.
    track("a/2", blue, alice, "{}");
    assertEquals("{%s}".formatted(bob.id()), lastHiddenFrom());
    track("c/1", blue, carol, "{}");
    assertEquals("{}", lastHiddenFrom());

    // The other's block is one more; the last that is lifted shows them again.
    before = logged("presence");
    alice.blocks(bob.id());
    bob.unblocks(alice.id());
    assertEquals("0", difference(before, logged("presence")));
    assertFalse(stateFor(bob).contains("key a/1"));
    alice.unblocks(bob.id());
    assertEquals(
        List.of(bob.id() + " {\"key a/1\",\"key a/2\"}", alice.id() + " {\"key b/1\"}"),
        sights("joins", before));
    assertEquals(state(blue), stateFor(bob));
  }

  @Test
  void aBlockAcrossTeamsTellsNothing() {
    track("a/1", blue, alice, "{}");
    UUID theirs = alice.talksTo(carol);
    database.asOwner(
        "update public.users set team_id = '%s' where id = '%s'"
            .formatted(TestDatabase.RED, carol.id()));
    String before = logged("presence");
    carol.blocks(alice.id());
    carol.unblocks(alice.id());
    assertEquals(before, logged("presence"));
    assertNotNull(theirs);
  }

  private static String difference(String before, String after) {
    return String.valueOf(Long.parseLong(after) - Long.parseLong(before));
  }

  /** To whom who comes or goes, of the last ones; by who it is that is told of. */
  private List<String> sights(String what, String before) {
    List<String> sights = new ArrayList<>();
    for (Person person : List.of(bob, alice)) {
      String told =
          database.ownerReads(
              """
              select string_agg(to_json(k)::text, ',' order by k)
              from (select * from relay.change_log where table_name = 'presence' order by seq offset %s) l
              cross join lateral json_object_keys(l.record::json -> 'payload' -> '%s') k
              where l.audience = array['%s'::uuid]
              """
                  .formatted(before, what, person.id()));
      sights.add(person.id() + " {" + told + "}");
    }
    return sights;
  }

  private String lastHiddenFrom() {
    return database.ownerReads(
        "select hidden_from from relay.change_log where table_name = 'presence' order by seq desc limit 1");
  }

  @Test
  void nobodyButTheRelayCallsAnyOfIt() {
    for (Person person : List.of(alice, database.anon(), database.gptDesk())) {
      person.isRefused(
          () -> person.does(tx -> Routines.audienceOfTopic(tx.configuration(), talk)), "42501");
      person.isRefused(
          () -> person.does(tx -> Routines.presenceOf(tx.configuration(), talk, null)), "42501");
      person.isRefused(
          () ->
              person.tries(
                  tx ->
                      Routines.send(
                          tx.configuration(), talk, "e", JSON.json("{}"), null, null, null)),
          "42501");
    }
    assertEquals(2, audiences(talk).size()); // The control: the relay does.
  }

  @Test
  void whoConnectsIsOnlineUnlessAwayOrBusyAndWhoLeftIsOffline() {
    var people = new UUID[] {alice.id(), bob.id(), database.ivan().id()};
    bob.tries(
        tx -> com.gptdesk.chat.jooq.Routines.updatePresence(tx.configuration(), "busy", null));
    assertEquals(
        1, counts(c -> com.gptdesk.chat.database.internal.chat.Routines.comeOnline(c, people)));
    assertEquals("online", status(alice));
    assertEquals("busy", status(bob));
    assertEquals("null", status(database.ivan()));

    database.asOwner(
        "update public.user_presence set last_seen = last_seen - interval '1 hour' where user_id = '%s'"
            .formatted(bob.id()));
    assertEquals(
        1, counts(c -> com.gptdesk.chat.database.internal.chat.Routines.comeOnline(c, people)));
    assertEquals("online", status(bob));

    // Somebody else has heard of Alice meanwhile.
    database.asOwner(
        "update public.user_presence set last_seen = last_seen - interval '1 day' where user_id = '%s'"
            .formatted(bob.id()));
    assertEquals(
        1,
        counts(c -> com.gptdesk.chat.database.internal.chat.Routines.goOffline(c, people, 90_000)));
    assertEquals("online", status(alice));
    assertEquals("offline", status(bob));
  }

  private String status(Person person) {
    return database.ownerReads(
        "select max(status) from public.user_presence where user_id = '" + person.id() + "'");
  }

  private boolean mayUse(String topic, Person person) {
    return asRelay(configuration -> Routines.mayUseTopic(configuration, topic, person.id()));
  }

  private Set<Audience> audiences(String topic) {
    var row = asRelay(configuration -> Routines.audienceOfTopic(configuration, topic)).getFirst();
    return Set.copyOf(Audience.of(row.getAudience(), row.getTeamAudience()));
  }

  private void send(String topic, @Nullable Person sender) {
    UUID id = sender == null ? null : sender.id();
    asRelay(
        configuration -> {
          Routines.send(configuration, topic, "e", JSON.json("{\"é\": 1.50}"), null, "here", id);
          return 0;
        });
  }

  private String track(String origin, String topic, Person person, String meta) {
    String ref = UUID.randomUUID().toString();
    return asRelay(
        configuration ->
            Routines.track(
                configuration, origin, NODE, topic, "key " + origin, ref, person.id(), meta));
  }

  private String state(String topic) {
    return asRelay(c -> Routines.presenceOf(c, topic, null).getFirst().getState());
  }

  private String stateFor(Person viewer) {
    return asRelay(c -> Routines.presenceOf(c, blue, viewer.id()).getFirst().getState());
  }

  private Set<String> origins() {
    String all =
        database.ownerReads(
            "select coalesce(string_agg(origin, ',' order by origin), '') from relay.presence");
    return all.isEmpty() ? Set.of() : Set.of(all.split(","));
  }

  private String logged(String table) {
    return database.ownerReads(
        "select count(*) from relay.change_log where table_name = '" + table + "'");
  }

  private String lastRecord(String table) {
    return database.ownerReads(
        "select record from relay.change_log where table_name = '"
            + table
            + "' order by seq desc limit 1");
  }

  private String lastDiff() {
    String record = lastRecord("presence");
    return record.substring(record.indexOf("\"payload\":") + 10, record.length() - 1);
  }

  private <T> T asRelay(Function<Configuration, T> work) {
    return database.chat().as(ServiceDatabase.RELAY, tx -> work.apply(tx.configuration()));
  }

  private int counts(Function<Configuration, Integer> work) {
    return asRelay(work);
  }

  private boolean holds(Function<Configuration, Boolean> work) {
    return asRelay(work);
  }

  private static void assertRefused(String code, Runnable attempt) {
    try {
      attempt.run();
    } catch (Refusal e) {
      assertEquals(code, e.code(), e.getMessage());
      return;
    }
    throw new AssertionError("should have been refused with " + code);
  }
}
