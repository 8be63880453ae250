package com.gptdesk.chat.rules;

import static com.gptdesk.chat.jooq.Tables.USER_CONVERSATIONS;
import static com.gptdesk.chat.jooq.Tables.USER_MESSAGES;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.jooq.Routines;
import com.gptdesk.chat.jooq.udt.records.ConversationViewRecord;
import com.gptdesk.chat.jooq.udt.records.MessageViewRecord;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** {@code logic/conversations}: opened by two of a team, seen by the two, changed by functions. */
class ConversationsRulesTest extends Rules {

  // get_or_create_conversation

  @Test
  void twoPeopleHaveOneConversation() {
    UUID conversation = alice.talksTo(bob);
    assertEquals(conversation, alice.talksTo(bob));
    assertEquals(conversation, bob.talksTo(alice));
    assertEquals(
        conversation,
        bob.does(tx -> Routines.getOrCreateConversation(tx.configuration(), alice.id(), bob.id())));
    alice.sees(USER_CONVERSATIONS).rows(1);
    assertEquals(
        "%s %s %s 0 0".formatted(alice.id(), bob.id(), alice.id()),
        asks(
            alice,
            "select concat_ws(' ', participant_1_id, participant_2_id, created_by, last_message_seq,"
                + " revision) from public.user_conversations"));
  }

  @Test
  void aConversationHasTwoDifferentPeople() {
    alice.isRefused(() -> opens(alice, alice.id(), alice.id()), "PT400");
    alice.isRefused(() -> opens(alice, alice.id(), null), "PT400");
    alice.isRefused(() -> opens(alice, null, bob.id()), "PT400");
    alice.isRefused(() -> opens(alice, null, null), "PT400");
    alice.sees(USER_CONVERSATIONS).nothing();
  }

  @Test
  void nobodyOpensConversationsOfOthers() {
    carol.isRefused(() -> opens(carol, alice.id(), bob.id()), "PT403");
    mallory.isRefused(() -> opens(mallory, alice.id(), bob.id()), "PT403");
    alice.talksTo(bob);
    carol.isRefused(
        () -> opens(carol, alice.id(), bob.id()), "PT403"); // not when it is there, either
  }

  @Test
  void whomOneCannotWriteToMightAsWellNotBeThere() {
    bob.blocks(alice.id());
    Refusal nobody = alice.isRefused(() -> opens(alice, alice.id(), NOBODY), "PT404");
    for (UUID other : List.of(bob.id(), ivan.id(), mallory.id())) {
      Refusal refusal = alice.isRefused(() -> opens(alice, alice.id(), other), "PT404");
      assertEquals(nobody.getMessage(), refusal.getMessage());
      assertEquals(nobody.hint(), refusal.hint());
    }
    bob.isRefused(() -> bob.talksTo(alice), "PT404"); // nor does who blocked open one
    alice.talksTo(carol);
    alice.sees(USER_CONVERSATIONS).rows(1);
  }

  @Test
  void whatWasOpenedStaysOpenForTheTwo() {
    UUID conversation = alice.talksTo(bob);
    bob.blocks(alice.id());
    assertEquals(conversation, alice.talksTo(bob));
    database.asOwner("update public.users set team_id = null where id = '" + bob.id() + "'");
    assertEquals(conversation, alice.talksTo(bob));
    assertEquals(conversation, bob.talksTo(alice));
  }

  @Test
  void onlyActivePeopleOpen() {
    everybody(
        "select public.get_or_create_conversation('%s', '%s')".formatted(alice.id(), bob.id()),
        """
        Alice    1
        Bob      1
        Carol    PT403
        Mallory  PT403
        Ivan     PT403
        Stranger PT403
        No one   PT403
        Forger   PT403
        Garbled  22P02
        Anon     42501
        Service  42501
        Relay    42501
        """);
    ivan.isRefused(() -> ivan.talksTo(alice), "PT403");
  }

  // The table.

  @Test
  void theTwoSeeTheirConversation() {
    alice.talksTo(bob);
    everybody(
        "select * from public.user_conversations",
        """
        Alice    1
        Bob      1
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
  }

  @Test
  void whoIsNoLongerActiveSeesNothing() {
    UUID conversation = alice.talksTo(bob);
    alice.sends(conversation, "hi");
    database.asOwner("update public.users set status = 'suspended' where id = '" + bob.id() + "'");
    bob.sees(USER_CONVERSATIONS).nothing();
    bob.sees(USER_MESSAGES).nothing();
    assertEquals(List.of(), bob.messagesOf(conversation));
    bob.isRefused(() -> bob.conversation(conversation), "PT403");
    alice.sees(USER_CONVERSATIONS).rows(1);
    assertEquals(
        "suspended", json(view(alice, conversation).getOtherUser()).path("status").asString());
  }

  @Test
  void aPlainInsertObeysTheSameRules() {
    String insert =
        "insert into public.user_conversations (participant_1_id, participant_2_id) values ('%s', '%s')";
    everybody(
        insert.formatted(alice.id(), bob.id()),
        """
        Alice    1
        Bob      1
        Carol    42501
        Mallory  42501
        Ivan     42501
        Stranger 42501
        No one   42501
        Forger   42501
        Garbled  22P02
        Anon     42501
        Service  23502
        Relay    42501
        """);
    everybody(insert.formatted(alice.id(), mallory.id()), "Alice    42501\nMallory  42501");
    everybody(insert.formatted(alice.id(), ivan.id()), "Alice    42501\nIvan     42501");
    everybody(insert.formatted(alice.id(), alice.id()), "Alice    42501");
    everybody(insert.formatted(bob.id(), alice.id()), "Alice    23514"); // canonical_order
    alice.talksTo(bob);
    everybody(
        insert.formatted(alice.id(), bob.id()),
        "Alice    23505\nBob      23505"); // unique_conversation
    carol.blocks(alice.id());
    everybody(insert.formatted(alice.id(), carol.id()), "Alice    42501\nCarol    42501");
  }

  @Test
  void nobodySetsWhatIsTheDatabasesToSet() {
    for (String column :
        List.of(
            "id",
            "created_at",
            "updated_at",
            "last_message_at",
            "last_message_id",
            "is_archived",
            "created_by",
            "last_message_seq",
            "revision",
            "participant_1_read_seq",
            "participant_2_read_seq",
            "participant_1_delivered_seq",
            "participant_2_delivered_seq")) {
      everybody(
          "insert into public.user_conversations (participant_1_id, participant_2_id, %s) values ('%s', '%s', default)"
              .formatted(column, alice.id(), bob.id()),
          "Alice    42501");
    }
  }

  @Test
  void nobodyUpdatesAndOnlyTheServiceDeletes() {
    UUID conversation = alice.talksTo(bob);
    alice.sends(conversation, "hi");
    String nobody =
        """
        Alice    42501
        Bob      42501
        Carol    42501
        Mallory  42501
        Ivan     42501
        Anon     42501
        Service  42501
        Relay    42501
        """;
    for (String change :
        List.of(
            "is_archived = true",
            "participant_2_read_seq = 0",
            "participant_2_delivered_seq = 0",
            "last_message_seq = 0",
            "revision = 9")) {
      everybody("update public.user_conversations set " + change, nobody);
    }
    everybody(
        "delete from public.user_conversations", nobody.replace("Service  42501", "Service  1"));
    alice.sees(USER_CONVERSATIONS).rows(1);
    alice.sees(USER_MESSAGES).rows(1);
  }

  @Test
  void theServiceOpensForPeopleAndErases() {
    gptDesk.tries(
        tx ->
            tx.insertInto(
                    USER_CONVERSATIONS,
                    USER_CONVERSATIONS.PARTICIPANT_1_ID,
                    USER_CONVERSATIONS.PARTICIPANT_2_ID,
                    USER_CONVERSATIONS.CREATED_BY)
                .values(alice.id(), bob.id(), bob.id())
                .execute());
    UUID conversation = alice.talksTo(bob);
    assertEquals(
        bob.id(),
        alice.sees(USER_CONVERSATIONS).all().getFirst().get(USER_CONVERSATIONS.CREATED_BY));
    MessageViewRecord message = alice.sends(conversation, "hi");
    alice.edits(message.getId(), "hello");
    bob.reacts(message.getId(), "👍");
    bob.mutes(conversation, null);

    gptDesk.tries(tx -> tx.deleteFrom(USER_CONVERSATIONS).execute());
    for (String table :
        List.of(
            "user_conversations",
            "user_messages",
            "message_edits",
            "message_reactions",
            "conversation_preferences")) {
      assertEquals("0", database.ownerReads("select count(*) from public." + table), table);
    }
  }

  @Test
  void createdByIsOneOfTheTwo() {
    gptDesk.isRefused(
        () ->
            gptDesk.tries(
                tx ->
                    tx.execute(
                        "insert into public.user_conversations (participant_1_id, participant_2_id, created_by)"
                            + " values (?, ?, ?)",
                        alice.id(),
                        bob.id(),
                        carol.id())),
        "23514");
  }

  // get_conversations

  @Test
  void theListIsForActivePeople() {
    alice.sends(alice.talksTo(bob), "hi");
    everybody(
        "select * from public.get_conversations()",
        """
        Alice    1
        Bob      1
        Carol    0
        Mallory  0
        Ivan     PT403
        Stranger PT403
        No one   PT403
        Forger   0
        Garbled  22P02
        Anon     42501
        Service  42501
        Relay    42501
        """);
  }

  @Test
  void aConversationIsShownFromOnesOwnSide() {
    UUID id = alice.talksTo(bob);
    alice.sends(id, "one");
    alice.sends(id, "two");
    MessageViewRecord last = bob.sends(id, "three");
    alice.sends(id, "four");
    bob.is("away", "/secret");
    MessageViewRecord five = alice.sends(id, "five");

    ConversationViewRecord hers = view(alice, id);
    assertEquals(id, hers.getId());
    JsonNode other = json(hers.getOtherUser());
    assertEquals(
        List.of("id", "status", "presence", "full_name", "avatar_url").stream().sorted().toList(),
        fieldsOf(other).stream().sorted().toList());
    assertEquals(bob.id().toString(), other.path("id").asString());
    assertEquals("Bob Brown", other.path("full_name").asString());
    assertEquals("active", other.path("status").asString());
    assertEquals("away", other.path("presence").path("status").asString());
    assertEquals(
        List.of("last_seen", "status"),
        fieldsOf(other.path("presence")).stream().sorted().toList());
    JsonNode message = json(hers.getLastMessage());
    assertEquals(five.getId().toString(), message.path("id").asString());
    assertEquals(5, message.path("seq").asInt());
    assertEquals(alice.id().toString(), message.path("sender_id").asString());
    assertEquals("five", message.path("content").asString());
    assertEquals("text", message.path("message_type").asString());
    assertFalse(message.path("is_deleted").asBoolean());
    assertEquals(five.getCreatedAt(), hers.getLastMessageAt());
    assertEquals(5, hers.getLastMessageSeq());
    assertEquals(5, hers.getReadSeq());
    assertEquals(3, hers.getOtherReadSeq());
    assertEquals(0, hers.getUnreadCount());
    assertEquals(5, hers.getRevision());
    assertFalse(hers.getIsArchived());
    assertFalse(hers.getIsMuted());

    ConversationViewRecord his = view(bob, id);
    assertEquals(alice.id().toString(), json(his.getOtherUser()).path("id").asString());
    assertEquals(3, his.getReadSeq());
    assertEquals(5, his.getOtherReadSeq());
    assertEquals(2, his.getUnreadCount());
    assertEquals("offline", json(his.getOtherUser()).path("presence").path("status").asString());
    assertEquals(3, last.getSeq());
  }

  @Test
  void whoLeftTheTeamIsStillNamedButNotWatched() {
    UUID id = alice.talksTo(bob);
    bob.is("online", null);
    assertEquals(
        "online", json(view(alice, id).getOtherUser()).path("presence").path("status").asString());
    database.asOwner(
        "update public.users set team_id = '%s' where id = '%s'"
            .formatted(TestDatabase.RED, bob.id()));
    JsonNode other = json(view(alice, id).getOtherUser());
    assertEquals("Bob Brown", other.path("full_name").asString());
    assertTrue(other.path("presence").isNull());
  }

  @Test
  void aDeletedLastMessageIsShownBlank() {
    UUID id = alice.talksTo(bob);
    MessageViewRecord message = alice.sends(id, "oops");
    alice.deletes(message.getId());
    JsonNode last = json(view(bob, id).getLastMessage());
    assertEquals("", last.path("content").asString());
    assertTrue(last.path("is_deleted").asBoolean());
    assertEquals(0, view(bob, id).getUnreadCount());
  }

  @Test
  void aConversationSaysWhyOneCannotWriteThere() {
    UUID id = alice.talksTo(bob);
    String[][] changes = {
      {"update public.users set status = 'inactive' where id = '%2$s'", "gone"},
      {"update public.users set status = 'active' where id = '%2$s'", "active"},
      {"update public.users set team_id = null where id = '%2$s'", "apart"},
      {"update public.users set status = 'inactive' where id = '%2$s'", "gone"},
      {
        "update public.users set status = 'active', team_id = (select u.team_id from public.users u where u.id = '%1$s') where id = '%2$s'",
        "active"
      },
      {
        "insert into public.user_blocks (blocker_id, blocked_id) values ('%1$s', '%2$s')",
        "blocking"
      },
      {"update public.users set team_id = null where id = '%2$s'", "apart"},
    };
    for (String[] change : changes) {
      database.asOwner(change[0].formatted(alice.id(), bob.id()));
      assertEquals(change[1], view(alice, id).getPartnerStatus(), change[0]);
      if (change[1].equals("active")) {
        alice.sends(id, "hi");
      } else {
        assertEquals(
            change[1], alice.isRefused(() -> alice.sends(id, "hi"), "PT403").details(), change[0]);
      }
      assertEquals("Bob Brown", json(view(alice, id).getOtherUser()).path("full_name").asString());
    }
  }

  @Test
  void whoIsBlockedLearnsOfItWhenTheyWrite() {
    UUID id = alice.talksTo(bob);
    bob.blocks(alice.id());
    assertEquals("active", view(alice, id).getPartnerStatus());
    assertEquals("blocked", alice.isRefused(() -> alice.sends(id, "hi"), "PT403").details());
  }

  @Test
  void anEmptyConversationIsListedForWhoOpenedItAlone() {
    UUID id = alice.talksTo(bob);
    assertEquals(List.of(id), list(alice, false));
    assertEquals(List.of(), list(bob, false));
    ConversationViewRecord asked = view(bob, id); // by its id it is found
    assertNull(asked.getLastMessage());
    assertNull(asked.getLastMessageAt());
    assertEquals(0, asked.getUnreadCount());
    alice.sends(id, "hi");
    assertEquals(List.of(id), list(bob, false));
  }

  @Test
  void oneAsksForOnesOwnConversationsOnly() {
    UUID id = alice.talksTo(bob);
    assertNull(carol.conversation(id));
    assertNull(mallory.conversation(id));
    assertNull(alice.conversation(NOBODY));
    view(alice, id);
  }

  @Test
  void theNewestComesFirst() {
    UUID withBob = alice.talksTo(bob);
    UUID withCarol = alice.talksTo(carol);
    alice.sends(withCarol, "hi");
    alice.sends(withBob, "hi");
    assertEquals(List.of(withBob, withCarol), list(alice, false));
    carol.sends(withCarol, "hi");
    assertEquals(List.of(withCarol, withBob), list(alice, false));
  }

  @Test
  void pagesHaveNeitherGapsNorRepeats() {
    // 23 colleagues: some never written to, some written to at the very same moment.
    database.asOwner(
        """
        insert into public.users (id, full_name, email, team_id)
        select ('00000000-0000-4000-9000-' || lpad(n::text, 12, '0'))::uuid, 'Colleague ' || n, n || '@example.org', '%s'
        from generate_series(1, 23) n
        """
            .formatted(TestDatabase.BLUE));
    for (int n = 1; n <= 23; n++) {
      Person colleague =
          database.person(
              "Colleague " + n, UUID.fromString("00000000-0000-4000-9000-%012d".formatted(n)));
      UUID id = alice.talksTo(colleague);
      if (n % 3 != 0) {
        colleague.sends(id, "hi");
      }
    }
    database.asOwner(
        """
        update public.user_conversations set
          last_message_at = case when last_message_seq > 0 then timestamptz '2026-01-01 00:00:00.123456+00' + (hashtext(id::text) & 3) * interval '1 us' end,
          created_at = timestamptz '2026-01-01 00:00:00.123456+00' + (hashtext(id::text) & 3) * interval '1 us'
        """);
    List<UUID> all = ids(page(alice, null, null, 200));
    assertEquals(23, all.size());
    assertEquals(
        column(
            "select id from public.user_conversations order by coalesce(last_message_at, created_at) desc, id desc"),
        all.stream().map(UUID::toString).toList());
    for (int size : new int[] {1, 2, 3, 7, 22, 23, 24}) {
      List<UUID> paged = new ArrayList<>();
      OffsetDateTime before = null;
      UUID beforeId = null;
      while (true) {
        List<ConversationViewRecord> page = page(alice, before, beforeId, size);
        paged.addAll(ids(page));
        if (page.size() < size) {
          break;
        }
        ConversationViewRecord last = page.getLast();
        before = last.getLastMessageAt() == null ? last.getCreatedAt() : last.getLastMessageAt();
        beforeId = last.getId();
      }
      assertEquals(all, paged, "pages of " + size);
    }
  }

  @Test
  void aPageIsAskedForByItsKey() {
    alice.isRefused(() -> page(alice, null, NOBODY, 10), "PT400");
    for (Integer size : new Integer[] {0, -1, 201, null}) {
      alice.isRefused(() -> page(alice, null, null, size), "PT400");
    }
    assertEquals(List.of(), page(alice, null, null, 200));
  }

  // Archive and mute, as the list shows them.

  @Test
  void anArchiveIsOnesOwnAndUndoneByAMessage() {
    UUID id = alice.talksTo(bob);
    alice.sends(id, "hi");
    alice.archives(id, true);
    assertEquals(List.of(), list(alice, false));
    assertEquals(List.of(id), list(alice, true));
    assertTrue(view(alice, id).getIsArchived());
    assertEquals(List.of(id), list(bob, false)); // not his
    assertEquals(List.of(), list(bob, true));

    bob.sends(id, "are you there?");
    assertEquals(List.of(id), list(alice, false));
    assertEquals(List.of(), list(alice, true));
    assertFalse(view(alice, id).getIsArchived());

    alice.archives(id, true);
    alice.archives(id, false);
    assertEquals(List.of(id), list(alice, false));
  }

  @Test
  void anEmptyConversationCanBePutAwayToo() {
    UUID id = alice.talksTo(bob);
    alice.archives(id, true);
    assertEquals(List.of(), list(alice, false));
    assertEquals(List.of(id), list(alice, true));
    alice.sends(id, "hi");
    assertEquals(List.of(id), list(alice, false));
  }

  @Test
  void theOperatorsArchiveIsForBothAndUndoneByAMessageOrByEither() {
    UUID id = alice.talksTo(bob);
    alice.sends(id, "hi");
    String putAway = "update public.user_conversations set is_archived = true";
    database.asOwner(putAway);
    assertEquals(List.of(id), list(alice, true));
    assertEquals(List.of(id), list(bob, true));
    alice.sends(id, "hello?");
    assertEquals(List.of(id), list(alice, false));
    assertEquals(List.of(id), list(bob, false));

    database.asOwner(putAway);
    bob.archives(id, false);
    assertEquals(List.of(id), list(alice, false));
    assertEquals(List.of(id), list(bob, false));
  }

  @Test
  void mutedHoldsUntilItsMoment() {
    UUID id = alice.talksTo(bob);
    assertFalse(view(alice, id).getIsMuted());
    OffsetDateTime end = OffsetDateTime.now().plusHours(1).truncatedTo(ChronoUnit.MILLIS);
    alice.mutes(id, end);
    assertTrue(view(alice, id).getIsMuted());
    assertTrue(end.isEqual(view(alice, id).getMutedUntil()));
    assertFalse(view(bob, id).getIsMuted());
    assertNull(view(bob, id).getMutedUntil());
    alice.mutes(id, OffsetDateTime.now().minusSeconds(1));
    assertFalse(view(alice, id).getIsMuted());
    alice.tries(tx -> tx.execute("select public.set_muted(?, 'infinity')", id));
    assertTrue(view(alice, id).getIsMuted());
    assertNull(view(alice, id).getMutedUntil(), "it has no end");
    alice.mutes(id, null);
    assertFalse(view(alice, id).getIsMuted());
  }

  private static void opens(Person person, @Nullable UUID one, @Nullable UUID other) {
    person.tries(tx -> Routines.getOrCreateConversation(tx.configuration(), one, other));
  }

  private static List<UUID> list(Person person, boolean archived) {
    return ids(
        person.does(
            tx -> Routines.getConversations(tx.configuration(), null, null, 50, archived, null)));
  }

  private static List<ConversationViewRecord> page(
      Person person,
      @Nullable OffsetDateTime before,
      @Nullable UUID beforeId,
      @Nullable Integer size) {
    return person.does(
        tx -> Routines.getConversations(tx.configuration(), before, beforeId, size, false, null));
  }

  private static List<UUID> ids(List<ConversationViewRecord> page) {
    return page.stream().map(ConversationViewRecord::getId).toList();
  }
}
