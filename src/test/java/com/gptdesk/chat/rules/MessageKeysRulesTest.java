package com.gptdesk.chat.rules;

import static com.gptdesk.chat.jooq.Tables.USER_MESSAGES;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.jooq.Routines;
import com.gptdesk.chat.jooq.udt.records.MessageViewRecord;
import com.gptdesk.chat.testing.Person;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/**
 * {@code send_message} with a client whose clock is wrong, or who was long away: what is written is
 * stored, and once.
 */
class MessageKeysRulesTest extends Rules {

  private static final Instant NOW = Instant.now();

  /** Made on days and by programs of all kinds. */
  private static final List<UUID> KEYS =
      List.of(
          uuid7(NOW.plus(Duration.ofMinutes(10))),
          uuid7(NOW.plus(Duration.ofDays(2))),
          uuid7(NOW.minus(Duration.ofHours(30))),
          uuid7(NOW.minus(Duration.ofDays(2))),
          uuid7(NOW.minus(Duration.ofDays(400))),
          uuid7(Instant.EPOCH),
          uuid7(Instant.parse("2100-01-01T00:00:00Z")),
          uuid7(Instant.ofEpochMilli((1L << 48) - 1)),
          UUID.randomUUID(), // version 4
          UUID.fromString("f81d4fae-7dec-11d0-a765-00a0c91e6bf6"), // version 1
          UUID.nameUUIDFromBytes(new byte[] {1}), // version 3
          UUID.fromString("1ec9414c-232a-6b00-b3c8-9e6bdeced846"), // version 6
          new UUID((NOW.toEpochMilli() << 16) | 0x4000, Long.MIN_VALUE),
          new UUID(0, 1),
          new UUID(-1, -1));

  private final UUID conversation = alice.talksTo(bob);

  private static UUID uuid7(Instant moment) {
    return MessageRules.uuid7(moment);
  }

  @Test
  void anyUuidIsAKey() {
    long seq = 0;
    for (UUID key : KEYS) {
      MessageViewRecord sent = alice.sends(key, conversation, "by " + key);
      assertEquals(++seq, sent.getSeq(), key.toString());
      assertEquals(key, sent.getClientId());
      assertNotEquals(key, sent.getId());
      assertEquals(7, sent.getId().version());
      // Retention goes by id, so it has the server's time.
      assertTrue(
          Duration.between(
                      Instant.ofEpochMilli(sent.getId().getMostSignificantBits() >>> 16),
                      sent.getCreatedAt().toInstant())
                  .abs()
                  .compareTo(Duration.ofMinutes(1))
              < 0);
      assertNull(sent.getWrittenAt(), "nobody said so");
    }
    for (UUID key : KEYS) {
      assertEquals("by " + key, alice.sends(key, conversation, "again").getContent());
    }
    assertEquals(seq, view(alice, conversation).getLastMessageSeq());
    assertEquals(KEYS.size(), alice.messagesOf(conversation).size());
    assertInvariantsHold();
  }

  @Test
  void anIdOfThisMomentIsTheMessagesId() {
    for (Duration from : List.of(Duration.ofHours(-23), Duration.ZERO, Duration.ofMinutes(4))) {
      UUID id = uuid7(Instant.now().plus(from));
      MessageViewRecord sent = alice.sends(id, conversation, "hi");
      assertEquals(id, sent.getId());
      assertNull(sent.getClientId());
      assertEquals(sent, alice.sends(id, conversation, "hi"));
    }
    assertEquals("0", keys());
    assertInvariantsHold();
  }

  @Test
  void theNilUuidIsRefused() {
    alice.isRefused(() -> alice.sends(new UUID(0, 0), conversation, "hi"), "PT400");
    alice.sees(USER_MESSAGES).nothing();
  }

  @Test
  void aKeyAgainIsTheSameMessage() {
    UUID key = UUID.randomUUID();
    MessageViewRecord first = alice.sends(key, conversation, "hi");
    assertEquals(first, alice.sends(key, conversation, "what it says now does not matter"));
    assertEquals(2, bob.sends(conversation, "hello").getSeq()); // a retry takes no number
    alice.edits(first.getId(), "hi!");
    bob.reacts(first.getId(), "👍");
    MessageViewRecord again = alice.sends(key, conversation, "hi"); // as it is now
    assertEquals("hi!", again.getContent());
    assertEquals(1, again.getReactions().size());
    bob.blocks(alice.id());
    assertEquals(again, alice.sends(key, conversation, "hi"));
    alice.isRefused(() -> alice.sends(UUID.randomUUID(), conversation, "hi"), "PT403");
    bob.unblocks(alice.id());
    alice.deletes(first.getId());
    assertTrue(alice.sends(key, conversation, "hi").getIsDeleted());
    assertEquals("", log(() -> alice.sends(key, conversation, "hi")));
    // The other id of the message is as good.
    assertEquals(first.getId(), alice.sends(first.getId(), conversation, "hi").getId());
    assertInvariantsHold();
  }

  @Test
  void whatIsRefusedLeavesNoKey() {
    UUID key = UUID.randomUUID();
    alice.isRefused(() -> alice.sends(key, conversation, " "), "PT400");
    carol.isRefused(() -> carol.sends(key, conversation, "hi"), "PT403");
    ivan.isRefused(() -> ivan.sends(key, conversation, "hi"), "PT403");
    assertEquals("0", keys());
    assertEquals(1, alice.sends(key, conversation, "hi").getSeq());
  }

  @Test
  void keysOfDifferentPeopleDoNotMeet() {
    UUID key = UUID.randomUUID();
    UUID withCarol = bob.talksTo(carol);
    assertEquals("of Alice", alice.sends(key, conversation, "of Alice").getContent());
    assertEquals("of Bob", bob.sends(key, conversation, "of Bob").getContent());
    assertEquals("of Carol", carol.sends(key, withCarol, "of Carol").getContent());
    assertEquals("of Alice", alice.sends(key, conversation, "?").getContent());
    assertEquals("of Bob", bob.sends(key, conversation, "?").getContent());
    carol.isRefused(
        () -> carol.sends(key, conversation, "hi"), "PT409"); // it is in another of hers
    mallory.isRefused(() -> mallory.sends(key, conversation, "hi"), "PT403");
    assertInvariantsHold();
  }

  @Test
  void nobodyTakesAKeyBeforeItsTimeComes() {
    // Bob sees in Alice's message the key of a clock that is fast, and sends it when it is now.
    UUID key = uuid7(Instant.now());
    UUID first = alice.sends(UUID.randomUUID(), conversation, "hi").getId();
    becomes(first, key);
    MessageViewRecord bobs = bob.sends(key, conversation, "mine");
    assertEquals(key, bobs.getId());
    assertEquals(first, alice.sends(key, conversation, "hi").getId());
    assertEquals(bobs, bob.sends(key, conversation, "mine"));
    assertInvariantsHold();
  }

  @Test
  void aKeyThatWasOfTheFutureIsStillOneWhenItsTimeIsNow() {
    UUID first = alice.sends(UUID.randomUUID(), conversation, "hi").getId();
    for (Duration from : List.of(Duration.ofMinutes(4), Duration.ZERO, Duration.ofHours(-23))) {
      UUID now = uuid7(Instant.now().plus(from));
      becomes(first, now);
      assertEquals(first, alice.sends(now, conversation, "hi").getId());
      UUID withCarol = alice.talksTo(carol);
      alice.isRefused(() -> alice.sends(now, withCarol, "hi"), "PT409");
    }
    alice.sees(USER_MESSAGES).rows(1);
    assertInvariantsHold();
  }

  @Test
  void whatWasWrittenBeforeSaysSo() {
    Instant friday = NOW.minus(Duration.ofHours(30));
    MessageViewRecord sent = alice.sends(uuid7(friday), conversation, "written", friday);
    assertEquals(friday.toEpochMilli(), sent.getWrittenAt().toInstant().toEpochMilli());
    assertTrue(sent.getCreatedAt().toInstant().isAfter(friday.plus(Duration.ofHours(29))));
    assertEquals(sent, alice.sends(sent.getClientId(), conversation, "again, and no time"));
    assertEquals(
        sent,
        alice.sends(sent.getClientId(), conversation, "written", NOW.minus(Duration.ofDays(9))));
    for (Person reader : List.of(alice, bob)) {
      MessageViewRecord read = reader.messagesOf(conversation).getFirst();
      assertEquals(sent.getWrittenAt(), read.getWrittenAt());
      assertEquals(sent.getClientId(), read.getClientId());
      assertEquals(
          List.of(read),
          reader.does(tx -> Routines.getChanges(tx.configuration(), conversation, 0L, 10)));
      var found =
          reader
              .does(tx -> Routines.searchMessages(tx.configuration(), "written", null, null, 20))
              .getFirst();
      assertEquals(read.getWrittenAt(), found.getWrittenAt());
      assertEquals(read.getClientId(), found.getClientId());
    }
    assertEquals(sent.getWrittenAt(), alice.edits(sent.getId(), "better written").getWrittenAt());
    assertEquals(sent.getClientId(), alice.deletes(sent.getId()).getClientId());
    assertInvariantsHold();
  }

  @Test
  void aTimeThatTellsNothingIsNone() {
    Instant now = Instant.now();
    for (Instant moment :
        List.of(
            now,
            now.plus(Duration.ofMinutes(10)),
            now.plus(Duration.ofDays(2)),
            Instant.parse("2100-01-01T00:00:00Z"))) {
      assertNull(
          alice.sends(null, conversation, "written", moment).getWrittenAt(), moment.toString());
    }
    assertNull(alice.sends(null, conversation, "written", null).getWrittenAt());
    for (String infinite : List.of("infinity", "-infinity")) {
      assertNull(
          alice.does(
              tx ->
                  tx.fetchSingle(
                          "select (public.send_message(?, 'hi', written_at => ?::timestamptz)).written_at",
                          conversation,
                          infinite)
                      .get(0)));
    }
    Instant epoch = Instant.EPOCH; // a clock that has lost its battery: no reason to refuse
    assertEquals(
        epoch, alice.sends(null, conversation, "written", epoch).getWrittenAt().toInstant());
    assertInvariantsHold();
  }

  @Test
  void theFeedCarriesTheKey() {
    UUID key = UUID.randomUUID();
    Instant written = NOW.minus(Duration.ofDays(3));
    Logged told = logged(() -> alice.sends(key, conversation, "written", written)).getFirst();
    assertEquals("INSERT user_messages for Alice, Bob", told.toString());
    assertEquals(key.toString(), told.row().path("client_id").asString());
    assertEquals(
        written.toEpochMilli(),
        OffsetDateTime.parse(told.row().path("written_at").asString()).toInstant().toEpochMilli());
    String resumed =
        bob.does(
            tx ->
                tx.fetchSingle("select record from chat.changed_messages(?, 0, 10)", conversation)
                    .get(0, String.class));
    assertEquals(told.row(), json(resumed));
    Logged plain = logged(() -> alice.sends(conversation, "hi")).getFirst();
    assertTrue(plain.row().path("client_id").isNull());
    assertTrue(plain.row().path("written_at").isNull());
  }

  @Test
  void theKeysAreTheDatabasesAlone() {
    alice.sends(UUID.randomUUID(), conversation, "hi");
    String nobody =
        "Alice    42501\nMallory  42501\nAnon     42501\nService  42501\nRelay    42501";
    everybody("select * from chat.message_keys", nobody);
    everybody("delete from chat.message_keys", nobody);
    everybody(
        "insert into chat.message_keys (sender_id, key, message_id) select sender_id, id, id from public.user_messages",
        nobody);
    everybody("update chat.message_keys set sender_id = sender_id", nobody);
  }

  // Helpers.

  private String keys() {
    return database.ownerReads("select count(*) from chat.message_keys");
  }

  /** As if time had passed since its message was sent: a key of that day is now another one. */
  private void becomes(UUID message, UUID key) {
    database.asOwner(
        "update public.user_messages set client_id = '%1$s' where id = '%2$s'; update chat.message_keys set key = '%1$s' where message_id = '%2$s'"
            .formatted(key, message));
  }
}
