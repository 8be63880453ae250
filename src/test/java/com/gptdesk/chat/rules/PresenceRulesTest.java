package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** {@code logic/presence}: the team sees who is there; typing is between two. */
class PresenceRulesTest extends Rules {

  private static final String ROW =
      "select concat_ws(' ', status, current_page, right(is_typing_to::text, 1), typing_started_at is not null)"
          + " from public.user_presence where right(user_id::text, 1) = '%s'";

  // The table.

  @Test
  void theTeamSeesWhoIsThere() {
    alice.is("online", "/inbox");
    everybody(
        "select user_id, status, last_seen, updated_at, team_id from public.user_presence",
        """
        Alice    1
        Bob      1
        Carol    1
        Mallory  0
        Ivan     0
        Stranger 0
        No one   0
        Forger   0
        Garbled  22P02
        Anon     42501
        Service  1
        Relay    42501
        """);
  }

  @Test
  void typingAndPageAreNobodysToRead() {
    alice.talksTo(bob);
    alice.typesTo(bob.id());
    for (String column : List.of("is_typing_to", "typing_started_at", "current_page", "*")) {
      everybody(
          "select %s from public.user_presence".formatted(column),
          """
          Alice    42501
          Bob      42501
          Carol    42501
          Mallory  42501
          Anon     42501
          Service  42501
          Relay    42501
          """);
    }
  }

  @Test
  void whoIsInNoTeamSeesThemselves() {
    database.asOwner(
        "update public.users set team_id = null where id in ('%s', '%s')"
            .formatted(alice.id(), bob.id()));
    alice.is("online", null);
    everybody("select status from public.user_presence", "Alice    1\nBob      0\nCarol    0");
  }

  @Test
  void presenceFollowsTheTeam() {
    alice.is("online", null);
    database.asOwner(
        "update public.users set team_id = '%s' where id = '%s'"
            .formatted(TestDatabase.RED, alice.id()));
    everybody("select status from public.user_presence", "Alice    1\nBob      0\nMallory  1");
  }

  @Test
  void nobodySaysForAnotherThatTheyAreThere() {
    String insert =
        "insert into public.user_presence (user_id, status) values ('%s', 'online')"
            .formatted(alice.id());
    everybody(
        insert,
        """
        Alice    1
        Bob      42501
        Mallory  42501
        Ivan     42501
        Stranger 42501
        No one   42501
        Forger   42501
        Garbled  22P02
        Anon     42501
        Service  42501
        Relay    42501
        """);
    everybody(
        insert.replace(alice.id().toString(), ivan.id().toString()),
        "Alice    42501\nIvan     42501");
    alice.is("online", null);
    everybody(
        "update public.user_presence set status = 'busy'",
        """
        Alice    1
        Bob      0
        Mallory  0
        Ivan     0
        Stranger 0
        No one   0
        Forger   0
        Garbled  22P02
        Anon     42501
        Service  42501
        Relay    42501
        """);
    bob.is("online", null);
    everybody(
        "update public.user_presence set status = 'busy'",
        "Alice    1\nBob      1"); // each their own
    everybody(
        "delete from public.user_presence",
        "Alice    42501\nBob      42501\nAnon     42501\nService  42501\nRelay    42501");
  }

  @Test
  void nobodySetsWhatIsTheDatabasesToSet() {
    alice.is("online", null);
    for (String column : List.of("team_id", "user_id")) {
      everybody(
          "update public.user_presence set %s = default".formatted(column),
          "Alice    42501\nService  42501");
    }
    everybody(
        "insert into public.user_presence (user_id, team_id) values ('%s', default)"
            .formatted(bob.id()),
        "Bob      42501");
  }

  @Test
  void timesAreTheDatabasesWhateverIsWritten() {
    alice.talksTo(bob);
    upserts("'online', null, '2999-01-01', '2999-01-01', '2999-01-01'");
    assertEquals("t t t", timesArePast()); // by an insert
    String first = updatedAt();
    alice.tries(
        tx ->
            tx.execute(
                "update public.user_presence set updated_at = '2999-01-01', last_seen = '1999-01-01'"));
    assertEquals(first, updatedAt(), "neither status nor typing has changed");
    upserts("'away', '%s', '2999-01-01', '2999-01-01', '2999-01-01'".formatted(bob.id()));
    assertEquals("t t t", timesArePast()); // by an update
    assertEquals("away b t", presence("a"));
    String renewed = typingSince();
    alice.tries(
        tx -> tx.execute("update public.user_presence set typing_started_at = '1999-01-01'"));
    assertTrue(typingSince().compareTo(renewed) > 0, "a renewal is of now, too");
  }

  @Test
  void typingByAPlainWriteAsksWhatTheFunctionAsks() {
    String type = "update public.user_presence set is_typing_to = '%s' where user_id = '%s'";
    alice.is("online", null);
    alice.isRefused(
        () -> alice.tries(tx -> tx.execute(type.formatted(bob.id(), alice.id()))), "PT403");
    alice.talksTo(bob);
    alice.tries(tx -> tx.execute(type.formatted(bob.id(), alice.id())));
    assertEquals("online b t", presence("a"));
    bob.blocks(alice.id());
    alice.isRefused(
        () -> alice.tries(tx -> tx.execute(type.formatted(bob.id(), alice.id()))), "PT403");
    // Of another's conversations one learns nothing: the policy refuses, whatever they are.
    for (UUID other : List.of(alice.id(), NOBODY)) {
      carol.isRefused(
          () ->
              carol.tries(
                  tx ->
                      tx.execute(
                          "insert into public.user_presence (user_id, is_typing_to) values ('%s', '%s')"
                              .formatted(bob.id(), other))),
          "42501");
    }
  }

  @Test
  void anUpsertOfTypingAloneLeavesTheStatus() {
    alice.talksTo(bob);
    String typing =
        """
        insert into public.user_presence (user_id, is_typing_to) values ('%1$s', '%2$s')
        on conflict (user_id) do update set is_typing_to = '%2$s'
        """
            .formatted(alice.id(), bob.id());
    alice.tries(tx -> tx.execute(typing));
    assertEquals("online b t", presence("a")); // who types is there
    alice.is("busy", null);
    alice.tries(tx -> tx.execute(typing));
    assertEquals("busy b t", presence("a"));
    alice.is("offline", null);
    assertEquals("offline f", presence("a"));
    alice.tries(tx -> tx.execute(typing));
    assertEquals("online b t", presence("a"));
  }

  private void upserts(String values) {
    alice.tries(
        tx ->
            tx.execute(
                """
                insert into public.user_presence (user_id, status, is_typing_to, typing_started_at, last_seen, updated_at)
                values ('%1$s', %2$s)
                on conflict (user_id) do update set (status, is_typing_to, typing_started_at, last_seen, updated_at) = (%2$s)
                """
                    .formatted(alice.id(), values)));
  }

  private String timesArePast() {
    return database.ownerReads(
        """
        select concat_ws(' ', last_seen <= clock_timestamp(), updated_at <= clock_timestamp(),
          coalesce(typing_started_at <= clock_timestamp(), true))
        from public.user_presence
        """);
  }

  private String typingSince() {
    return database.ownerReads("select typing_started_at from public.user_presence");
  }

  @Test
  void aPlainInsertGetsTeamAndTimes() {
    alice.tries(
        tx ->
            tx.execute(
                "insert into public.user_presence (user_id, status, current_page) values (?, 'away', '/x')",
                alice.id()));
    assertEquals(
        TestDatabase.BLUE + " t",
        database.ownerReads(
            "select team_id || ' ' || (last_seen > now() - interval '1 minute')::text::char from public.user_presence"));
  }

  // update_presence

  @Test
  void oneIsOnlineAwayBusyOrOffline() {
    for (String status : List.of("online", "away", "busy", "offline")) {
      alice.is(status, null);
      assertEquals(status, asks(bob, "select status from public.user_presence"));
    }
    for (String status : new String[] {"invisible", "", "Online", null}) {
      alice.isRefused(() -> alice.is(status, null), "PT400");
    }
    alice.is("online", "x".repeat(500));
    alice.isRefused(() -> alice.is("online", "x".repeat(501)), "23514");
    everybody(
        "select public.update_presence('online')",
        """
        Alice    1
        Mallory  1
        Ivan     PT403
        Stranger PT403
        No one   PT403
        Garbled  22P02
        Anon     42501
        Service  42501
        Relay    42501
        """);
  }

  @Test
  void theTeamHearsOfAStatusWhenItChanges() {
    assertEquals("INSERT user_presence for Alice, Blue", log(() -> alice.is("online", "/inbox")));
    assertEquals("", log(() -> alice.is("online", "/inbox")));
    assertEquals("", log(() -> alice.is("online", "/elsewhere"))); // the page is for nobody
    List<Logged> away = logged(() -> alice.is("away", "/secret"));
    assertEquals("[UPDATE user_presence for Alice, Blue]", away.toString());
    assertEquals(
        List.of("user_id", "status", "last_seen", "updated_at", "team_id"),
        fieldsOf(away.getFirst().row()));
    assertEquals("away", away.getFirst().row().path("status").asString());
    assertEquals("online", away.getFirst().oldRow().path("status").asString());
    assertEquals(fieldsOf(away.getFirst().row()), fieldsOf(away.getFirst().oldRow()));
  }

  @Test
  void updatedAtIsWhenStatusOrTypingChanged() {
    alice.is("online", null);
    String first = updatedAt();
    String seen = lastSeen();
    alice.is("online", "/elsewhere");
    assertEquals(first, updatedAt());
    assertTrue(lastSeen().compareTo(seen) > 0, "but she was heard of");
    alice.is("busy", null);
    assertTrue(updatedAt().compareTo(first) > 0);
  }

  // update_typing_status

  @Test
  void typingIsToldToTheTwoAlone() {
    alice.talksTo(bob);
    alice.is("online", "/chat");
    List<Logged> started = logged(() -> alice.typesTo(bob.id()));
    assertEquals("[UPDATE user_presence for Alice, Bob]", started.toString());
    JsonNode row = started.getFirst().row();
    assertEquals(
        List.of(
            "user_id", "status", "last_seen", "updated_at", "is_typing_to", "typing_started_at"),
        fieldsOf(row));
    assertEquals(bob.id().toString(), row.path("is_typing_to").asString());
    assertEquals(
        "[UPDATE user_presence for Alice, Bob]",
        logged(() -> alice.typesTo(bob.id())).toString()); // renewed
    List<Logged> stopped = logged(() -> alice.typesTo(null));
    assertEquals("[UPDATE user_presence for Alice, Bob]", stopped.toString());
    assertTrue(stopped.getFirst().row().path("is_typing_to").isNull());
    assertTrue(stopped.getFirst().row().path("typing_started_at").isNull());
    assertEquals("", log(() -> alice.typesTo(null)));
  }

  @Test
  void theFirstTypingIsAnInsertAndSaysSheIsThere() {
    alice.talksTo(bob);
    List<Logged> first = logged(() -> alice.typesTo(bob.id()));
    assertEquals(
        "[INSERT user_presence for Alice, Blue, INSERT user_presence for Alice, Bob]",
        first.toString());
    assertEquals("online", first.getFirst().row().path("status").asString());
    assertTrue(
        first.getFirst().row().path("is_typing_to").isMissingNode(),
        "the team learns of no typing");
    assertEquals(bob.id().toString(), first.getLast().row().path("is_typing_to").asString());
  }

  @Test
  void whoIsTypedToChanges() {
    alice.talksTo(bob);
    alice.talksTo(carol);
    alice.typesTo(bob.id());
    List<Logged> changed = logged(() -> alice.typesTo(carol.id()));
    assertEquals(
        "[UPDATE user_presence for Alice, Carol, UPDATE user_presence for Bob]",
        changed.toString());
    // Neither of the two learns of the other.
    assertTrue(changed.getFirst().oldRow().path("is_typing_to").isNull());
    assertTrue(changed.getLast().row().path("is_typing_to").isNull());
    assertEquals(bob.id().toString(), changed.getLast().oldRow().path("is_typing_to").asString());
  }

  @Test
  void typingSaysOneIsThereButKeepsBusy() {
    alice.talksTo(bob);
    alice.is("busy", null);
    alice.typesTo(bob.id());
    assertEquals("busy b t", presence("a"));
    assertEquals(
        "UPDATE user_presence for Alice, Blue\nUPDATE user_presence for Alice, Bob",
        log(() -> alice.is("offline", null)));
    assertEquals("offline f", presence("a")); // who is offline types to nobody
    alice.typesTo(bob.id());
    assertEquals("online b t", presence("a"));
  }

  @Test
  void oneTypesOnlyWhereOneMayWrite() {
    alice.talksTo(bob);
    everybody(
        "select public.update_typing_status('%s')".formatted(bob.id()),
        """
        Alice    1
        Bob      PT403
        Carol    PT403
        Mallory  PT403
        Ivan     PT403
        Stranger PT403
        No one   PT403
        Garbled  22P02
        Anon     42501
        Service  42501
        Relay    42501
        """);
    alice.isRefused(() -> alice.typesTo(NOBODY), "PT403");
    bob.blocks(alice.id());
    alice.isRefused(() -> alice.typesTo(bob.id()), "PT403");
    bob.isRefused(() -> bob.typesTo(alice.id()), "PT403");
    alice.typesTo(null);
    bob.unblocks(alice.id());
    database.asOwner("update public.users set team_id = null where id = '" + bob.id() + "'");
    alice.isRefused(() -> alice.typesTo(bob.id()), "PT403");
  }

  // Expiry, by the service.

  @Test
  void whoWasNotHeardOfIsOffline() {
    alice.is("online", null);
    bob.is("busy", null);
    database.asOwner("update chat.settings set presence_timeout_ms = 3600000");
    assertEquals(0, expires());
    hears("a", "30 minutes");
    hears("b", "90 minutes");
    String seen =
        database.ownerReads(
            "select last_seen from public.user_presence where user_id = '%s'".formatted(bob.id()));
    assertEquals(
        "offline",
        asks(
            alice,
            "select presence ->> 'status' from chat.visible_people(array['%s'::uuid])"
                .formatted(bob.id())));
    assertEquals("UPDATE user_presence for Bob, Blue", log(() -> assertEquals(1, expires())));
    assertEquals("online f", presence("a"));
    assertEquals("offline f", presence("b"));
    assertEquals(
        seen,
        database.ownerReads(
            "select last_seen from public.user_presence where user_id = '%s'".formatted(bob.id())),
        "expiry is no sign of life");
    assertEquals(0, expires());

    database.asOwner("update chat.settings set presence_timeout_ms = 5000");
    assertEquals(1, expires()); // Alice, after 30 minutes
  }

  @Test
  void typingThatIsNotRenewedEnds() {
    alice.talksTo(bob);
    database.asOwner("update chat.settings set typing_timeout_ms = 60000");
    alice.typesTo(bob.id());
    assertEquals(0, expires());
    types("61 seconds");
    String seen = lastSeen();
    assertEquals("UPDATE user_presence for Alice, Bob", log(() -> assertEquals(1, expires())));
    assertEquals("online f", presence("a"));
    assertEquals(seen, lastSeen(), "expiry is no sign of life");
  }

  @Test
  void touchedIsHeardOfAndNotPublished() {
    alice.is("online", null);
    bob.is("online", null);
    hears("a", "1 hour");
    hears("b", "1 hour");
    String updated = updatedAt();
    assertEquals(
        "",
        log(
            () ->
                assertEquals(
                    "1",
                    asRelay(
                        "select chat.touch_presence(array['%s', '%s']::uuid[])"
                            .formatted(alice.id(), NOBODY)))));
    assertEquals(updated, updatedAt());
    assertEquals(1, expires()); // Bob alone
    assertEquals("online f", presence("a"));
  }

  @Test
  void expiryIsTheServicesToCall() {
    String nobody = "Alice    42501\nAnon     42501\nService  42501\nRelay    1";
    everybody("select chat.expire_presence()", nobody);
    everybody("select chat.touch_presence('{}')", nobody);
  }

  // People who go.

  @Test
  void typingToWhoIsDeletedEndsAndIsNoSignOfLife() {
    alice.talksTo(bob);
    alice.typesTo(bob.id());
    String seen = lastSeen();
    String deleted =
        log(() -> database.asOwner("delete from public.users where id = '" + bob.id() + "'"));
    assertTrue(deleted.contains("UPDATE user_presence for Alice, Bob"), deleted);
    assertEquals("online f", presence("a"));
    assertEquals(seen, lastSeen());
  }

  @Test
  void bothTeamsHearOfAMove() {
    alice.is("online", null);
    assertEquals(
        "UPDATE users for Alice\nUPDATE user_presence for Alice, Red, Blue",
        log(
            () ->
                database.asOwner(
                    "update public.users set team_id = '%s' where id = '%s'"
                        .formatted(TestDatabase.RED, alice.id()))));
    assertEquals(
        "UPDATE users for Alice\nUPDATE user_presence for Alice, Red",
        log(
            () ->
                database.asOwner(
                    "update public.users set team_id = null where id = '%s'"
                        .formatted(alice.id()))));
  }

  // Blocks.

  @Test
  void whileOneBlocksTheOtherNeitherSeesThatTheOtherIsThere() {
    UUID conversation = alice.talksTo(bob);
    for (Person each : List.of(alice, bob, carol)) {
      each.is("online", null);
    }
    String seen = "select 1 from public.user_presence where user_id = '%s'";
    String theTwo =
        """
        Alice    %s
        Bob      %s
        Carol    1
        Mallory  0
        Service  1
        """;
    everybody(seen.formatted(alice.id()), theTwo.formatted(1, 1));

    bob.blocks(alice.id());

    everybody(seen.formatted(alice.id()), theTwo.formatted(1, 0));
    everybody(seen.formatted(bob.id()), theTwo.formatted(0, 1));
    for (Person each : List.of(alice, bob)) {
      JsonNode other = json(view(each, conversation).getOtherUser());
      assertTrue(other.path("presence").isNull(), other.toString());
      assertEquals("active", other.path("status").asString());
    }
    alice.blocks(bob.id());
    bob.unblocks(alice.id());
    everybody(seen.formatted(bob.id()), theTwo.formatted(0, 1)); // Alice's own block is left
    alice.unblocks(bob.id());
    everybody(seen.formatted(bob.id()), theTwo.formatted(1, 1));
    assertEquals(
        "online",
        json(view(alice, conversation).getOtherUser()).path("presence").path("status").asString());
  }

  @Test
  void bothAreToldAtOnceAndTheTeamIsNot() {
    alice.talksTo(bob);
    alice.is("busy", null);
    bob.typesTo(alice.id());
    List<Logged> blocked = logged(() -> bob.blocks(alice.id()));
    assertEquals(
        List.of(
            "INSERT user_blocks for Bob",
            "UPDATE user_presence for Alice",
            "UPDATE user_presence for Bob",
            "UPDATE user_presence for Bob, Alice"), // the typing is over
        blocked.stream().map(Logged::toString).sorted().toList());
    for (Logged each : blocked.subList(2, 4)) {
      assertEquals("offline", each.row().path("status").asString(), each.row().toString());
      assertTrue(each.row().path("last_seen").isNull());
    }
    assertEquals("INSERT user_blocks for Alice", log(() -> alice.blocks(bob.id())));
    assertEquals("DELETE user_blocks for Bob", log(() -> bob.unblocks(alice.id())));
    List<Logged> lifted = logged(() -> alice.unblocks(bob.id()));
    assertEquals(
        List.of(
            "DELETE user_blocks for Alice",
            "UPDATE user_presence for Alice",
            "UPDATE user_presence for Bob"),
        lifted.stream().map(Logged::toString).sorted().toList());
    assertEquals(
        List.of("busy", "online"),
        lifted.stream()
            .filter(each -> each.table().equals("user_presence"))
            .map(each -> each.row().path("status").asString())
            .sorted()
            .toList());
  }

  @Test
  void whatOneDoesWhileBlockedIsForTheOthers() {
    alice.is("online", null);
    bob.is("online", null);
    bob.blocks(alice.id());
    alice.is("busy", null);
    assertEquals(
        "{%s}".formatted(bob.id()),
        database.ownerReads(
            "select hidden_from from relay.change_log where table_name = 'user_presence' order by seq desc limit 1"));
    carol.is("online", null);
    assertEquals(
        "{}",
        database.ownerReads(
            "select hidden_from from relay.change_log where table_name = 'user_presence' order by seq desc limit 1"));
  }

  private long expires() {
    return Long.parseLong(asRelay("select chat.expire_presence()"));
  }

  private String asRelay(String sql) {
    return database
        .chat()
        .as(ServiceDatabase.RELAY, tx -> tx.fetchSingle(sql).get(0, String.class));
  }

  private void hears(String who, String ago) {
    database.asOwner(
        "update public.user_presence set last_seen = clock_timestamp() - interval '%s' where right(user_id::text, 1) = '%s'"
            .formatted(ago, who));
  }

  /** Sets the scene past the trigger that stamps. */
  private void types(String ago) {
    database.asOwner(
        "alter table public.user_presence disable trigger stamp_presence_update;"
            + " update public.user_presence set typing_started_at = clock_timestamp() - interval '%s'; "
                .formatted(ago)
            + " alter table public.user_presence enable trigger stamp_presence_update");
  }

  private String presence(String who) {
    return database.ownerReads(ROW.formatted(who));
  }

  private String updatedAt() {
    return database.ownerReads(
        "select updated_at from public.user_presence where user_id = '%s'".formatted(alice.id()));
  }

  private String lastSeen() {
    return database.ownerReads(
        "select last_seen from public.user_presence where user_id = '%s'".formatted(alice.id()));
  }
}
