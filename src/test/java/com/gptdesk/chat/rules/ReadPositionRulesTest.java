package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** {@code R__34_read_position}: received and read up to a message, and what is unread. */
class ReadPositionRulesTest extends MessageRules {

  @Test
  void markingAMessageReadsAllBeforeIt() {
    List<UUID> ids = sendsFive();
    assertEquals(2, bob.reads(ids.get(2)));
    assertEquals(3, view(bob, conversation).getReadSeq());
    assertEquals(2, view(bob, conversation).getUnreadCount());
    assertEquals(2, bob.reads(ids.get(0))); // never back
    assertEquals(3, view(bob, conversation).getReadSeq());
    assertEquals(0, bob.reads(ids.get(4), ids.get(3)));
    assertEquals(3, view(alice, conversation).getRevision() - 2); // reads do not count
    assertEquals(List.of(true, false, true, true, true), readByBob());
    assertInvariantsHold();
  }

  @Test
  void aReaderIsInReadByOnce() {
    List<UUID> ids = sendsFive();
    bob.reads(ids.get(0), ids.get(0));
    bob.reads(ids.get(0));
    bob.readsUpTo(conversation, null);
    bob.reads(ids.toArray(UUID[]::new));
    assertEquals(List.of(true, true, true, true, true), readByBob());
    assertEquals(
        "5",
        database.ownerReads("select sum(jsonb_array_length(read_by)) from public.user_messages"));
  }

  @Test
  void senderAndStrangerAreNotInReadBy() {
    List<UUID> ids = sendsFive();
    assertEquals(0, alice.reads(ids.toArray(UUID[]::new)));
    assertEquals(0, mallory.reads(ids.toArray(UUID[]::new))); // passed over
    assertEquals(0, carol.reads(ids.toArray(UUID[]::new)));
    assertEquals(0, bob.reads(NOBODY));
    assertEquals(0, bob.reads());
    assertEquals(List.of(false, false, false, false, false), readByBob());
    assertEquals(5, view(bob, conversation).getUnreadCount());
  }

  @Test
  void whatIsUnreadIsCountedInTheConversationsTouched() {
    List<UUID> ids = sendsFive();
    UUID withCarol = carol.talksTo(bob);
    UUID hers = carol.sends(withCarol, "one").getId();
    carol.sends(withCarol, "two");
    assertEquals(4, bob.reads(ids.get(0)));
    assertEquals(1, bob.reads(hers));
    assertEquals(4 + 1, bob.reads(hers, ids.get(0)));
    bob.sends(conversation, "whoever sends has read");
    assertEquals(1, bob.reads(hers, ids.get(0)));
    assertEquals(1, view(alice, conversation).getUnreadCount());
  }

  @Test
  void aConversationIsReadUpToANumber() {
    sendsFive();
    assertEquals(3, bob.readsUpTo(conversation, 2L));
    assertEquals(List.of(true, true, false, false, false), readByBob());
    assertEquals(3, bob.readsUpTo(conversation, 1L)); // never back
    assertEquals(3, bob.readsUpTo(conversation, -5L));
    assertEquals(0, bob.readsUpTo(conversation, 99L)); // what was not sent is not read
    assertEquals(5, view(bob, conversation).getReadSeq());
    alice.sends(conversation, "six");
    assertEquals(1, view(bob, conversation).getUnreadCount());
    assertEquals(0, bob.readsUpTo(conversation, null));
    assertEquals(5, view(alice, conversation).getLastMessageSeq() - 1);
    assertInvariantsHold();
  }

  @Test
  void onlyTheTwoReadAConversation() {
    sendsFive();
    everybody(
        "select public.mark_conversation_as_read('%s')".formatted(conversation),
        """
        Alice    1
        Bob      1
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
    everybody(
        "select public.mark_as_read('{}')",
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
    assertEquals(5, view(bob, conversation).getUnreadCount());
  }

  @Test
  void aListToMarkHasAtMostAThousandIds() {
    UUID[] many = IntStream.range(0, 1001).mapToObj(n -> new UUID(7, n)).toArray(UUID[]::new);
    bob.isRefused(() -> bob.reads(many), "PT400");
    assertEquals(0, bob.reads(Arrays.copyOf(many, 1000)));
    bob.isRefused(() -> bob.reads((UUID[]) null), "PT400");
  }

  @Test
  void whatADeviceHasReceivedTheOtherSees() {
    sendsFive();
    assertDelivered(0);
    assertEquals(1, bobReceives(3));
    assertDelivered(3);
    assertEquals(0, view(alice, conversation).getOtherReadSeq());
    assertEquals(5, view(bob, conversation).getUnreadCount()); // it is not read
    assertEquals(0, bobReceives(2)); // never back
    assertEquals(0, bobReceives(3));
    assertEquals(0, bobReceives(-1));
    assertDelivered(3);
    assertEquals(1, bobReceives(99)); // what was not sent is not received
    assertDelivered(5);
    assertEquals(0, alice.receives(new UUID[] {conversation}, new Long[] {5L})); // her own
    assertEquals(5, view(bob, conversation).getOtherDeliveredSeq()); // whoever sends has read
    assertEquals(5, view(bob, conversation).getDeliveredSeq());
    assertEquals(0, view(bob, conversation).getReadSeq());
    assertInvariantsHold();
  }

  @Test
  void whatIsReadIsDelivered() {
    sendsFive();
    bob.readsUpTo(conversation, 4L);
    assertDelivered(4);
    assertEquals(0, bobReceives(4));
    bob.marksUnread(conversation, 1L);
    assertDelivered(4); // nobody learns of that
  }

  @Test
  void manyAreReceivedAtOnceAndOthersArePassedOver() {
    sendsFive();
    UUID withCarol = carol.talksTo(bob);
    carol.sends(withCarol, "one");
    UUID others = alice.talksTo(carol);
    alice.sends(others, "two");
    assertEquals(
        2,
        bob.receives(
            new UUID[] {withCarol, NOBODY, others, conversation, conversation, null},
            new Long[] {1L, 1L, 1L, 1L, 2L, null}));
    assertDelivered(2);
    assertEquals(0, view(alice, others).getOtherDeliveredSeq());
    assertEquals(1, bob.receives(new UUID[] {conversation}, new Long[] {null})); // all of it
    assertDelivered(5);
  }

  @Test
  void whileThereIsABlockNobodyLearnsWhatIsReceived() {
    sendsFive();
    bob.blocks(alice.id());
    assertEquals(0, bobReceives(5));
    bob.unblocks(alice.id());
    alice.blocks(bob.id());
    assertEquals(0, bobReceives(5));
    alice.unblocks(bob.id());
    assertDelivered(0);
    assertEquals(1, bobReceives(5));
  }

  @Test
  void whatIsReceivedIsTwoListsOfOneLength() {
    UUID[] one = {conversation};
    Long[] numbers = new Long[1001];
    bob.isRefused(() -> bob.receives(one, null), "PT400");
    bob.isRefused(() -> bob.receives(null, new Long[] {1L}), "PT400");
    bob.isRefused(() -> bob.receives(one, new Long[] {1L, 2L}), "PT400");
    bob.isRefused(() -> bob.receives(new UUID[1001], numbers), "PT400");
    assertEquals(0, bob.receives(new UUID[1000], Arrays.copyOf(numbers, 1000)));
    assertEquals(0, bob.receives(new UUID[0], new Long[0]));
  }

  private long bobReceives(long upTo) {
    return bob.receives(new UUID[] {conversation}, new Long[] {upTo});
  }

  private void assertDelivered(long upTo) {
    assertEquals(upTo, view(alice, conversation).getOtherDeliveredSeq());
  }

  private List<UUID> sendsFive() {
    return IntStream.rangeClosed(1, 5)
        .mapToObj(n -> alice.sends(conversation, "no. " + n).getId())
        .toList();
  }

  private List<Boolean> readByBob() {
    return column(
            "select read_by = jsonb_build_array('%s') from public.user_messages order by seq"
                .formatted(bob.id()))
        .stream()
        .map("t"::equals)
        .toList();
  }
}
