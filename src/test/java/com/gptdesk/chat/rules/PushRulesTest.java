package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.jooq.Routines;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.testing.Person;
import java.sql.Connection;
import java.sql.Statement;
import java.util.Base64;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code logic/push}: whose devices are told of which messages, and when. */
class PushRulesTest extends MessageRules {
  private static final String KEY = key(4, 65);
  private static final String SECRET = key(7, 16);

  private static String key(int first, int length) {
    byte[] bytes = new byte[length];
    bytes[0] = (byte) first;
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  @BeforeEach
  void on() {
    relay(
        "select chat.set_push_key(repeat('k', 87), '{push.example,*.wild.example,http://127.0.0.1:9000}')");
    queue(); // begins to read here
  }

  // Devices.

  @Test
  void everybodySeesTheirOwnDevices() {
    add(alice, "https://push.example/a");
    everybody(
        "select id, user_id, endpoint, label, shows_text, created_at, updated_at, last_used_at from public.push_subscriptions",
        """
        Alice    1
        Bob      0
        Carol    0
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
    everybody(
        "select auth from public.push_subscriptions",
        "Alice    42501\nBob      42501\nIvan     42501\nAnon     42501\nService  42501\nRelay    42501");
    assertEquals(1, devices(alice));
    assertEquals(0, devices(bob));
  }

  @Test
  void onlyActivePeopleAddAndRemoveThem() {
    String add =
        "select public.add_push_subscription('https://push.example/a', '%s', '%s')"
            .formatted(KEY, SECRET);
    String who =
        """
        Alice    1
        Bob      1
        Mallory  1
        Ivan     PT403
        Stranger PT403
        No one   PT403
        Anon     42501
        Service  42501
        Relay    42501
        """;
    everybody(add, who);
    everybody("select public.remove_push_subscription('https://push.example/a')", who);
  }

  @Test
  void onlyTheRelaySends() {
    String relay = "Alice    42501\nMallory  42501\nAnon     42501\nService  42501\nRelay    ";
    everybody("select chat.queue_push_notices()", relay + "1");
    everybody("select chat.take_push_notices('1 day')", relay + "0");
    everybody(
        "select chat.finish_push_notice('%s', '%1$s', 1, 'sent')".formatted(NOBODY), relay + "1");
    everybody("select chat.set_push_key(null, '{}')", relay + "1");
    everybody("select chat.sweep_push_subscriptions()", relay + "1");
    everybody("select * from chat.push_notices", relay + "42501");
  }

  @Test
  void aDeviceIsOfAPushServiceThatIsNamed() {
    for (String endpoint :
        List.of(
            "https://push.example/a?b=c",
            "https://a.b.wild.example/x",
            "http://127.0.0.1:9000/x")) {
      add(alice, endpoint);
    }
    for (String endpoint :
        List.of(
            "http://push.example/a",
            "https://push.example:8443/a",
            "https://push.example.org/a",
            "https://evil.example/https://push.example/a",
            "https://push.example@evil.example/a",
            "https://evil.example\\@push.example/a",
            "https://PUSH.example/a",
            "https://wild.example/a",
            "https://evilwild.example/a",
            "http://a.wild.example/a",
            "http://127.0.0.1:9001/x",
            "https://[::1]/a",
            "https://push.example/a b",
            "https://push.example",
            "")) {
      assertEquals("push_host", refused(alice, endpoint, KEY, SECRET), endpoint);
    }
    assertEquals(3, devices(alice));
  }

  @Test
  void keysAreChecked() {
    String endpoint = "https://push.example/a";
    assertEquals("push_keys", refused(alice, endpoint, key(5, 65), SECRET));
    assertEquals("push_keys", refused(alice, endpoint, key(4, 64), SECRET));
    assertEquals("push_keys", refused(alice, endpoint, KEY, key(4, 15)));
    assertEquals("push_keys", refused(alice, endpoint, KEY + "\n", SECRET));
    add(alice, endpoint);
  }

  @Test
  void aPersonHasSoManyDevices() {
    database.asOwner("update chat.settings set max_push_subscriptions = 2");
    add(alice, "https://push.example/1");
    add(alice, "https://push.example/2");
    assertEquals("push_devices", refused(alice, "https://push.example/3", KEY, SECRET));
    add(alice, "https://push.example/2"); // again is no other
    add(bob, "https://push.example/3");
    assertTrue(removes(alice, "https://push.example/1"));
    add(alice, "https://push.example/4");
  }

  @Test
  void whoHasTheKeysTakesABrowserOverAndNobodyElse() {
    add(alice, "https://push.example/a");
    assertEquals("push_taken", refused(bob, "https://push.example/a", key(4, 65), key(8, 16)));
    assertFalse(removes(bob, "https://push.example/a"));
    add(bob, "https://push.example/a");
    assertEquals(0, devices(alice));
    assertEquals(1, devices(bob));
    bob.sends(conversation, "hi");
    alice.sends(conversation, "hi"); // whoever sends has read
    queue();
    assertEquals(List.of("Alice Adams"), take(), "of messages to Bob alone");
  }

  @Test
  void withoutAKeyThereAreNone() {
    add(bob, "https://push.example/b");
    alice.sends(conversation, "hi");
    queue();
    relay("select chat.set_push_key(null, null)");
    assertEquals("push_off", refused(alice, "https://push.example/a", KEY, SECRET));
    assertEquals(
        "0 0",
        database.ownerReads(
            "select (select count(*) from chat.push_notices) || ' ' || (select count(*) from chat.log_readers)"));
    assertEquals(1, devices(bob), "they stay");
  }

  // Who is told of what.

  @Test
  void whoIsAwayIsToldOfTheNewestOfEachConversationOnEachDevice() {
    add(bob, "https://push.example/1");
    add(bob, "https://push.example/2");
    add(alice, "https://push.example/3");
    alice.sends(conversation, "one");
    alice.sends(conversation, "two");
    UUID withCarol = carol.talksTo(bob);
    carol.sends(withCarol, "three");
    queue();
    assertEquals(List.of("Alice Adams", "Alice Adams", "Carol Clark", "Carol Clark"), take());
    assertEquals("2", database.ownerReads("select max(message_seq) from chat.push_notices"));
    assertEquals(List.of(), take(), "they are being sent");
  }

  @Test
  void whoIsHereIsNotTold() {
    add(bob, "https://push.example/b");
    bob.is("online", null);
    alice.sends(conversation, "hi");
    queue();
    assertEquals(List.of(), take(), "asked again later");
    due();
    assertEquals(List.of(), take());
    assertEquals("0", waiting(), "Bob was here");

    for (String away : List.of("away", "offline")) {
      bob.is(away, null);
      alice.sends(conversation, "hi");
      queue();
      assertEquals(List.of("Alice Adams"), take(), away);
      done("sent");
    }
    bob.is("busy", null);
    alice.sends(conversation, "hi");
    queue();
    due();
    assertEquals(List.of(), take(), "busy is here");
  }

  @Test
  void whoHasJustLeftIsToldWhenThatShows() {
    add(bob, "https://push.example/b");
    bob.is("online", null);
    alice.sends(conversation, "hi");
    queue();
    assertEquals(List.of(), take());
    relay("select chat.go_offline('{%s}', -1000)".formatted(bob.id()));
    due();
    assertEquals(List.of("Alice Adams"), take());
  }

  @Test
  void whatIsReadMutedArchivedOrTakenBackIsNotTold() {
    add(bob, "https://push.example/b");
    notTold(() -> bob.readsUpTo(conversation, null));
    notTold(
        () ->
            bob.does(
                tx ->
                    tx.execute(
                        "select public.set_muted('%s', 'infinity')".formatted(conversation))));
    bob.does(tx -> tx.execute("select public.set_muted('%s', null)".formatted(conversation)));
    notTold(() -> bob.archives(conversation, true));
    notTold(() -> database.asOwner("update public.user_conversations set is_archived = true"));
    notTold(
        () ->
            alice.deletes(
                UUID.fromString(
                    database.ownerReads("select last_message_id from public.user_conversations"))));
    notTold(
        () ->
            database.asOwner(
                "update public.user_messages set created_at = now() - interval '2 days'"));
    notTold(() -> database.asOwner("delete from public.user_messages"));
  }

  private void notTold(Runnable meanwhile) {
    alice.sends(conversation, "hi");
    queue();
    assertEquals("1", waiting());
    meanwhile.run();
    assertEquals(List.of(), take());
    assertEquals("0", waiting());
    alice.sends(conversation, "the control: the next one is told");
    queue();
    if (database
        .ownerReads(
            "select count(*) from public.conversation_preferences where muted_until > now()")
        .equals("0")) {
      assertEquals(List.of("Alice Adams"), take());
      done("sent");
    } else {
      assertEquals(List.of(), take());
    }
  }

  @Test
  void whoMayNoLongerWriteIsNotToldOf() {
    add(bob, "https://push.example/b");
    for (String change :
        List.of(
            "insert into public.user_blocks (blocker_id, blocked_id) values ('%2$s', '%1$s')",
            "insert into public.user_blocks (blocker_id, blocked_id) values ('%1$s', '%2$s')",
            "update public.users set team_id = null where id = '%2$s'",
            "update public.users set status = 'inactive' where id = '%1$s'",
            "update public.users set status = 'inactive' where id = '%2$s'")) {
      alice.sends(conversation, "hi");
      queue();
      database.asOwner(change.formatted(alice.id(), bob.id()));
      assertEquals(List.of(), take(), change);
      assertEquals("0", waiting());
      database.asOwner(
          "delete from public.user_blocks; update public.users set status = 'active', team_id = (select team_id from public.users where id = '%s') where id in ('%s', '%s')"
              .formatted(carol.id(), alice.id(), bob.id()));
    }
    alice.sends(conversation, "the control");
    queue();
    assertEquals(List.of("Alice Adams"), take());
  }

  @Test
  void theTextIsForWhoWantsItWhereTheOperatorAllowsIt() {
    add(bob, "https://push.example/b");
    alice.sends(conversation, "a secret");
    queue();
    assertEquals("null", text(true), "Bob does not want it");
    bob.does(
        tx ->
            Routines.addPushSubscription(
                tx.configuration(), "https://push.example/b", KEY, SECRET, null, true));
    due();
    assertEquals("null", text(false), "the operator does not allow it");
    due();
    assertEquals("a secret", text(true));
    alice.sends(conversation, "x".repeat(900));
    queue();
    due();
    assertEquals("x".repeat(200), text(true));
  }

  // What becomes of them.

  @Test
  void aNewerMessageWaitsForTheOneThatIsBeingSent() {
    add(bob, "https://push.example/b");
    alice.sends(conversation, "one");
    queue();
    assertEquals(List.of("Alice Adams"), take());
    alice.sends(conversation, "two");
    queue();
    assertEquals(List.of(), take());
    relay(
        "select chat.finish_push_notice('%s', '%s', 1, 'sent')".formatted(device(), conversation));
    assertEquals(List.of("Alice Adams"), take());
    assertEquals("2", database.ownerReads("select message_seq from chat.push_notices"));
  }

  @Test
  void aDeviceThatHasToWaitIsToldOfNothingElseMeanwhile() {
    add(bob, "https://push.example/b");
    UUID withCarol = carol.talksTo(bob);
    alice.sends(conversation, "one");
    queue();
    assertEquals(List.of("Alice Adams"), take());
    carol.sends(withCarol, "two");
    queue();
    finish("later", "1 hour");
    assertEquals(List.of(), take());
    database.asOwner("update chat.push_notices set due_at = due_at - interval '1 hour'");
    assertEquals(List.of("Alice Adams", "Carol Clark"), take());
  }

  @Test
  void whatNobodyFinishedIsSentAgain() {
    add(bob, "https://push.example/b");
    alice.sends(conversation, "one");
    queue();
    assertEquals(List.of("Alice Adams"), take());
    due();
    assertEquals(List.of("Alice Adams"), take());
    assertEquals("2", database.ownerReads("select tries from chat.push_notices"));
    done("refused");
    assertEquals("0", waiting());
    assertEquals(
        "",
        database.ownerReads(
            "select coalesce(last_used_at::text, '') from public.push_subscriptions"));
  }

  @Test
  void aDeviceThatIsGoneIsRemoved() {
    add(bob, "https://push.example/b");
    alice.sends(conversation, "one");
    queue();
    take();
    done("gone");
    assertEquals(0, devices(bob));
    assertEquals("0", waiting());
  }

  @Test
  void aDeviceThatNoBrowserNamesIsRemoved() {
    add(bob, "https://push.example/b");
    add(bob, "https://push.example/c");
    database.asOwner(
        "update public.push_subscriptions set updated_at = now() - interval '91 days' where endpoint like '%b'");
    assertEquals("1", relay("select chat.sweep_push_subscriptions()"));
    assertEquals("0", relay("select chat.sweep_push_subscriptions()"));
    assertEquals(1, devices(bob));
  }

  @Test
  void whatTheLogLostIsFoundAmongTheMessages() {
    add(bob, "https://push.example/b");
    alice.sends(conversation, "in a crash");
    database.asOwner("update relay.epoch set id = gen_random_uuid()");
    queue();
    assertEquals(List.of("Alice Adams"), take());
  }

  @Test
  void oneReadsAtATimeAndARollbackLosesNothing() throws Exception {
    add(bob, "https://push.example/b");
    alice.sends(conversation, "one");
    try (Connection other = database.owner().connect();
        Statement statement = other.createStatement()) {
      other.setAutoCommit(false);
      statement.execute("select chat.queue_push_notices()");
      queue();
      assertEquals("0", waiting(), "another reads");
      other.rollback();
    }
    queue();
    assertEquals("1", waiting());
  }

  @Test
  void argumentsHaveTheirRange() {
    for (String call :
        List.of(
            "chat.take_push_notices(null)",
            "chat.take_push_notices('29 days')",
            "chat.take_push_notices('1 day', lease => '0')",
            "chat.finish_push_notice('%s', '%1$s', 1, 'lost')".formatted(NOBODY),
            "chat.finish_push_notice('%s', '%1$s', 1, 'later')".formatted(NOBODY),
            "chat.finish_push_notice('%s', '%1$s', 1, 'later', '2 days')".formatted(NOBODY))) {
      everybody("select " + call, "Relay    PT400");
    }
    everybody("select chat.take_push_notices('1 day', batch_size => 0)", "Relay    PT400");
    everybody("select chat.sweep_push_subscriptions(0)", "Relay    PT400");
  }

  // Words of these tests.

  private static UUID add(Person person, String endpoint) {
    return person.does(
        tx ->
            Routines.addPushSubscription(
                tx.configuration(), endpoint, KEY, SECRET, "A phone", false));
  }

  private static boolean removes(Person person, String endpoint) {
    return person.does(tx -> Routines.removePushSubscription(tx.configuration(), endpoint));
  }

  private static int devices(Person person) {
    return person.does(tx -> Routines.getPushSubscriptions(tx.configuration()).size());
  }

  private static String refused(Person person, String endpoint, String key, String secret) {
    try {
      person.does(
          tx ->
              Routines.addPushSubscription(tx.configuration(), endpoint, key, secret, null, false));
    } catch (Refusal refusal) {
      return String.valueOf(refusal.details());
    }
    return "taken";
  }

  private String relay(String sql) {
    return database
        .chat()
        .as(ServiceDatabase.RELAY, tx -> String.valueOf(tx.fetch(sql).getValue(0, 0)));
  }

  private void queue() {
    while (!relay("select chat.queue_push_notices()").equals("0")) {
      // until nothing comes
    }
  }

  /** The senders of what is to be sent now, in order. */
  private List<String> take() {
    return database
        .chat()
        .as(
            ServiceDatabase.RELAY,
            tx ->
                tx.fetch("select sender_name from chat.take_push_notices('1 day') order by 1")
                    .getValues(0, String.class));
  }

  private String text(boolean allowed) {
    return relay(
        "select coalesce(content, 'null') from chat.take_push_notices('1 day', %s)"
            .formatted(allowed));
  }

  private String waiting() {
    return database.ownerReads("select count(*) from chat.push_notices");
  }

  private String device() {
    return database.ownerReads("select id from public.push_subscriptions");
  }

  private void due() {
    database.asOwner("update chat.push_notices set due_at = now() - interval '1 second'");
  }

  private void done(String outcome) {
    finish(outcome, null);
  }

  private void finish(String outcome, @Nullable String after) {
    relay(
        "select chat.finish_push_notice('%s', '%s', 1000, '%s', %s)"
            .formatted(
                device(), conversation, outcome, after == null ? "null" : "'" + after + "'"));
  }
}
