package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.testing.Person;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeSet;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * Unread is what the other person has written, not taken back, and this person has not read, or has
 * marked as unread again.
 */
class UnreadRulesTest extends Rules {
  private static final long SEED = 7;
  private static final int STEPS = 250;

  private final UUID conversation = alice.talksTo(bob);

  // What was taken back.

  @Test
  void anUnreadMessageThatWasTakenBackIsNoUnreadMessage() {
    UUID oops = alice.sends(conversation, "oops, wrong window").getId();
    assertUnread(bob, 1, 1L);
    alice.deletes(oops);
    assertUnread(bob, 0, null);
    assertEquals(List.of(0L, 0L), bob.unread());
    alice.deletes(oops); // again changes nothing
    alice.sends(conversation, "this one");
    assertUnread(bob, 1, 2L);
    assertEquals(0, bob.readsUpTo(conversation, null));
    assertInvariantsHold();
  }

  @Test
  void theFirstUnreadOneIsOneThatIsStillThere() {
    List<UUID> sent = aliceSends(5);
    alice.deletes(sent.get(0));
    alice.deletes(sent.get(2));
    assertUnread(bob, 3, 2L);
    assertEquals(2, bob.readsUpTo(conversation, 2L));
    assertUnread(bob, 2, 4L);
    assertEquals(1, bob.reads(sent.get(3)));
    assertUnread(bob, 1, 5L);
    alice.deletes(sent.get(4));
    assertUnread(bob, 0, null);
    assertInvariantsHold();
  }

  @Test
  void whatWasReadBeforeItWasTakenBackChangesNothing() {
    List<UUID> sent = aliceSends(3);
    bob.readsUpTo(conversation, 2L);
    alice.deletes(sent.get(0));
    alice.deletes(sent.get(1));
    assertUnread(bob, 1, 3L);
    bob.deletes(bob.sends(conversation, "mine").getId());
    assertUnread(bob, 0, null);
    assertUnread(alice, 0, null); // his only one, taken back
    assertInvariantsHold();
  }

  @Test
  void whoeverTakesItBackItIsNotCounted() {
    List<UUID> sent = aliceSends(4);
    database.asOwner(
        "update public.user_messages set content = '', is_deleted = true where id = '%s'"
            .formatted(sent.get(1)));
    assertUnread(bob, 3, 1L);
    database.asOwner(
        "update public.user_messages set content = 'back', is_deleted = false where id = '%s'"
            .formatted(sent.get(1)));
    assertUnread(bob, 4, 1L);
    database.asOwner(
        "update public.user_messages set content = '', is_deleted = true where conversation_id = '%s'"
            .formatted(conversation));
    assertUnread(bob, 0, null);
    assertInvariantsHold();
  }

  @Test
  void onlyTheReaderLearnsOfIt() {
    UUID message = alice.sends(conversation, "no").getId();
    String log = log(() -> alice.deletes(message));
    assertEquals(
        """
        UPDATE user_messages for Alice, Bob
        INSERT conversation_preferences for Bob"""
            .lines()
            .sorted()
            .toList(),
        log.lines().sorted().toList());
  }

  // mark_as_unread

  @Test
  void aMessageIsMarkedAsUnreadWithAllAfterIt() {
    List<UUID> sent = aliceSends(5);
    bob.readsUpTo(conversation, null);
    assertEquals(3, bob.marksUnread(conversation, 3L));
    assertUnread(bob, 3, 3L);
    assertEquals(2, view(bob, conversation).getReadSeq());
    assertEquals(List.of(3L, 1L), bob.unread());
    assertEquals(3, bob.marksUnread(conversation, 4L)); // nothing is read by it
    assertEquals(4, bob.marksUnread(conversation, 2L));
    alice.deletes(sent.get(2));
    assertUnread(bob, 3, 2L);
    assertEquals(1, bob.readsUpTo(conversation, 4L));
    assertUnread(bob, 1, 5L);
    assertEquals(0, bob.reads(sent.get(4)));
    assertInvariantsHold();
  }

  @Test
  void theOtherDoesNotLearnOfIt() {
    aliceSends(2);
    bob.readsUpTo(conversation, null);
    List<Logged> logged = logged(() -> bob.marksUnread(conversation, 1L));
    assertEquals(
        List.of("INSERT conversation_preferences for Bob"),
        logged.stream().map(Logged::toString).toList());
    JsonNode row = logged.getFirst().row();
    assertEquals(1, row.path("unread_from_seq").asLong());
    assertEquals(2, view(alice, conversation).getOtherReadSeq());
    assertEquals(
        "2",
        asks(alice, "select count(*) from public.user_messages where read_by <> '[]'"),
        "what was read stays read for Alice");
    alice.sees(com.gptdesk.chat.jooq.Tables.CONVERSATION_PREFERENCES).nothing();
    assertEquals(
        "UPDATE conversation_preferences for Bob", log(() -> bob.readsUpTo(conversation, null)));
    assertInvariantsHold();
  }

  @Test
  void onesOwnAreNeverUnread() {
    alice.sends(conversation, "one");
    bob.sends(conversation, "two");
    alice.sends(conversation, "three");
    bob.sends(conversation, "four");
    bob.sends(conversation, "five");
    assertEquals(2, bob.marksUnread(conversation, 1L));
    assertUnread(bob, 2, 1L);
    assertEquals(1, bob.readsUpTo(conversation, 2L));
    assertUnread(bob, 1, 3L);
    assertEquals(0, bob.readsUpTo(conversation, null));
    // The last one is his own: the last one of hers is meant.
    assertEquals(1, bob.marksUnread(conversation, 5L));
    assertUnread(bob, 1, 3L);
    bob.readsUpTo(conversation, null);
    assertEquals(1, bob.marksUnread(conversation, null));
    assertUnread(bob, 1, 3L);
    bob.sends(conversation, "whoever sends has read");
    assertUnread(bob, 0, null);
    assertInvariantsHold();
  }

  @Test
  void whatComesLaterIsUnreadBesideIt() {
    aliceSends(2);
    bob.readsUpTo(conversation, null);
    bob.marksUnread(conversation, 2L);
    UUID third = alice.sends(conversation, "three").getId();
    assertUnread(bob, 2, 2L);
    alice.deletes(third);
    assertUnread(bob, 1, 2L);
    alice.sends(conversation, "four");
    assertEquals(1, bob.readsUpTo(conversation, 2L));
    assertUnread(bob, 1, 4L);
    assertInvariantsHold();
  }

  @Test
  void whereTheOtherHasWrittenNothingNothingCanBeUnread() {
    bob.sends(conversation, "mine");
    bob.isRefused(() -> bob.marksUnread(conversation, 1L), "PT404");
    UUID hers = alice.sends(conversation, "hers").getId();
    alice.deletes(hers);
    bob.isRefused(() -> bob.marksUnread(conversation, null), "PT404");
    alice.sends(conversation, "hers");
    assertEquals(1, bob.marksUnread(conversation, -9L)); // it is unread already
    assertEquals(0, bob.readsUpTo(conversation, null));
    assertEquals(1, bob.marksUnread(conversation, 9_000_000_000L));
    assertInvariantsHold();
  }

  @Test
  void onlyTheTwoMarkAConversation() {
    alice.sends(conversation, "hi");
    bob.sends(conversation, "ho");
    everybody(
        "select public.mark_as_unread('%s', 1)".formatted(conversation),
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
    everybody(
        "select where (public.get_unread_total()).messages = 0",
        """
        Alice    0
        Bob      1
        Carol    1
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
  void blockedOneCanStillMarkWhatWasSaid() {
    alice.sends(conversation, "hi");
    bob.readsUpTo(conversation, null);
    alice.blocks(bob.id());
    assertEquals(1, bob.marksUnread(conversation, 1L));
    assertEquals(List.of(1L, 1L), bob.unread());
  }

  // get_unread_total

  @Test
  void theTotalIsOverAllConversations() {
    List<UUID> conversations = new ArrayList<>();
    database.asOwner(
        """
        insert into public.users (id, full_name, email, team_id)
        select ('00000000-0000-4000-9000-' || lpad(n::text, 12, '0'))::uuid, 'Person ' || n, n || '@example.org', '%s'
        from generate_series(1, 60) n
        """
            .formatted(com.gptdesk.chat.testing.TestDatabase.BLUE));
    for (int n = 1; n <= 60; n++) {
      Person one =
          database.person("P", UUID.fromString("00000000-0000-4000-9000-%012d".formatted(n)));
      UUID with = one.talksTo(bob);
      one.sends(with, "hello");
      conversations.add(with);
    }
    aliceSends(3);
    assertEquals(List.of(63L, 61L), bob.unread());
    bob.mutes(conversations.get(0), OffsetDateTime.now().plusHours(1));
    bob.archives(conversations.get(1), true);
    bob.readsUpTo(conversations.get(2), null);
    assertEquals(List.of(60L, 58L), bob.unread());
    bob.mutes(conversations.get(0), null);
    database.asOwner(
        "update public.user_conversations set is_archived = true where id = '%s'"
            .formatted(conversations.get(3)));
    assertEquals(List.of(60L, 58L), bob.unread());
    bob.archives(conversations.get(1), false);
    assertEquals(List.of(61L, 59L), bob.unread());
    assertEquals(List.of(0L, 0L), alice.unread());
    assertEquals(List.of(0L, 0L), mallory.unread());
  }

  @Test
  void aMessageToAnArchivedConversationCountsAgain() {
    aliceSends(1);
    bob.archives(conversation, true);
    assertEquals(List.of(0L, 0L), bob.unread());
    aliceSends(1);
    assertEquals(List.of(2L, 1L), bob.unread());
  }

  /** Whatever two people do, in any order, the numbers are those of a list kept by hand. */
  @Test
  void theNumbersAreThoseOfAListKeptByHand() {
    Random random = new Random(SEED);
    Map<Long, UUID> sent = new HashMap<>();
    Map<Long, Person> senders = new HashMap<>();
    TreeSet<Long> there = new TreeSet<>();
    Map<Person, TreeSet<Long>> unread = Map.of(alice, new TreeSet<>(), bob, new TreeSet<>());
    for (int step = 0; step < STEPS; step++) {
      Person me = random.nextBoolean() ? alice : bob;
      Person other = me == alice ? bob : alice;
      TreeSet<Long> mine = Objects.requireNonNull(unread.get(me));
      TreeSet<Long> theirs = Objects.requireNonNull(unread.get(other));
      long last = sent.size();
      long some = last == 0 ? 0 : last - random.nextInt((int) Math.min(last, 9));
      String what = me + " at " + some + ": ";
      switch (random.nextInt(8)) {
        case 0, 1, 2 -> {
          what += "sends";
          long seq = last + 1;
          sent.put(seq, me.sends(conversation, "no. " + seq).getId());
          senders.put(seq, me);
          there.add(seq);
          mine.clear();
          theirs.add(seq);
        }
        case 3, 4 -> {
          what += "deletes";
          if (senders.get(some) == me) {
            me.deletes(Objects.requireNonNull(sent.get(some)));
            there.remove(some);
            theirs.remove(some);
          }
        }
        case 5 -> {
          what += "reads";
          mine.headSet(some, true).clear();
          assertEquals(mine.size(), me.readsUpTo(conversation, some), what);
        }
        case 6 -> {
          what += "reads a message";
          if (some > 0) {
            mine.headSet(some, true).clear();
            assertEquals(mine.size(), me.reads(Objects.requireNonNull(sent.get(some))), what);
          }
        }
        default -> {
          what += "marks as unread";
          TreeSet<Long> hers = new TreeSet<>(there);
          hers.removeIf(seq -> senders.get(seq) == me);
          if (hers.isEmpty()) {
            me.isRefused(() -> me.marksUnread(conversation, some), "PT404");
          } else {
            Long from = hers.ceiling(some);
            mine.addAll(hers.tailSet(from == null ? hers.last() : from, true));
            assertEquals(mine.size(), me.marksUnread(conversation, some), what);
          }
        }
      }
      for (Person person : List.of(alice, bob)) {
        TreeSet<Long> list = Objects.requireNonNull(unread.get(person));
        String why = "step " + step + ", " + what + "; " + person + " has " + list;
        assertEquals(list.size(), view(person, conversation).getUnreadCount(), why);
        assertEquals(
            list.isEmpty() ? null : list.first(),
            view(person, conversation).getFirstUnreadSeq(),
            why);
        assertTrue(list.isEmpty() || view(person, conversation).getReadSeq() < list.first(), why);
        assertEquals(List.of((long) list.size(), list.isEmpty() ? 0L : 1L), person.unread(), why);
      }
      if (step % 40 == 0) {
        assertInvariantsHold();
      }
    }
    assertInvariantsHold();
  }

  private List<UUID> aliceSends(int count) {
    List<UUID> ids = new ArrayList<>();
    for (int n = 1; n <= count; n++) {
      ids.add(alice.sends(conversation, "no. " + n).getId());
    }
    return ids;
  }

  private void assertUnread(Person person, long count, @Nullable Long first) {
    assertEquals(count, view(person, conversation).getUnreadCount());
    if (first == null) {
      assertNull(view(person, conversation).getFirstUnreadSeq());
    } else {
      assertEquals(first, view(person, conversation).getFirstUnreadSeq());
    }
  }
}
