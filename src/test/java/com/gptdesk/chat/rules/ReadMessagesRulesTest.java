package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.gptdesk.chat.jooq.Routines;
import com.gptdesk.chat.jooq.udt.records.MessageViewRecord;
import com.gptdesk.chat.testing.Person;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** {@code R__32_read}: pages of messages, and what changed since. */
class ReadMessagesRulesTest extends MessageRules {

  @Test
  void aPageIsForTheTwo() {
    alice.sends(conversation, "hi");
    for (String function : List.of("get_messages('%s')", "get_changes('%s', 0)")) {
      everybody(
          "select * from public." + function.formatted(conversation),
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
    assertEquals(
        "Alice Adams",
        asks(
            gptDesk,
            "select sender ->> 'full_name' from public.get_messages('%s')"
                .formatted(conversation)));
  }

  @Test
  void pagesGoByNumberWithoutGapsOrRepeats() {
    IntStream.rangeClosed(1, 23)
        .forEach(n -> (n % 2 == 0 ? alice : bob).sends(conversation, "no. " + n));
    List<Long> all = IntStream.rangeClosed(1, 23).mapToObj(n -> (long) n).toList();
    assertEquals(all, seqs(page(null, null, 200)));
    assertEquals(all.subList(18, 23), seqs(page(null, null, 5))); // the newest, ascending
    assertEquals(all.subList(4, 9), seqs(page(10L, null, 5)));
    assertEquals(all.subList(10, 15), seqs(page(null, 10L, 5)));
    assertEquals(List.of(), page(1L, null, 5));
    assertEquals(List.of(), page(null, 23L, 5));
    assertEquals(all.subList(0, 5), seqs(page(null, -7L, 5)));
    assertEquals(List.of(), page(-7L, null, 5));
    assertEquals(all.subList(18, 23), seqs(page(Long.MAX_VALUE, null, 5)));
    for (int size : new int[] {1, 2, 5, 23, 24}) {
      List<Long> forward = new ArrayList<>();
      for (List<Long> page = seqs(page(null, 0L, size));
          !page.isEmpty();
          page = seqs(page(null, forward.getLast(), size))) {
        forward.addAll(page);
      }
      assertEquals(all, forward);
      List<Long> backward = new ArrayList<>();
      for (List<Long> page = seqs(page(null, null, size));
          !page.isEmpty();
          page = seqs(page(backward.getFirst(), null, size))) {
        backward.addAll(0, page);
      }
      assertEquals(all, backward);
    }
  }

  @Test
  void aPageThatCannotBeIsRefused() {
    alice.isRefused(() -> page(1L, 1L, 50), "PT400");
    for (Integer size : new Integer[] {0, -1, 201, null}) {
      alice.isRefused(() -> page(null, null, size), "PT400");
      alice.isRefused(() -> page(null, 1L, size), "PT400");
      alice.isRefused(() -> changes(alice, 0L, size), "PT400");
    }
    alice.isRefused(() -> changes(alice, null, 50), "PT400");
  }

  @Test
  void changesAreWhatCameAfterARevision() {
    UUID one = alice.sends(conversation, "one").getId(); // 1
    UUID two = bob.sends(conversation, "two").getId(); // 2
    UUID three = alice.sends(conversation, "three").getId(); // 3
    alice.edits(one, "first"); // 4
    bob.reacts(three, "👍"); // 5
    bob.deletes(two); // 6
    bob.reads(one, three); // no change of a message
    assertEquals(6, view(alice, conversation).getRevision());
    List<MessageViewRecord> changes = changes(bob, 3L, 200);
    assertEquals(List.of(4L, 5L, 6L), revisions(changes));
    assertEquals(List.of(one, three, two), changes.stream().map(MessageViewRecord::getId).toList());
    assertEquals(
        List.of("first", "three", ""),
        changes.stream().map(MessageViewRecord::getContent).toList());
    assertEquals(
        json("[{\"reaction\":\"👍\",\"user_ids\":[\"%s\"]}]".formatted(bob.id())),
        json(changes.get(1).getReactions()));
    assertEquals(
        List.of(1L, 3L, 2L), changes.stream().map(MessageViewRecord::getSentRevision).toList());
    assertEquals(List.of(), changes(alice, 6L, 200));
    assertEquals(List.of(4L, 5L), revisions(changes(alice, 0L, 2)));
    assertEquals(List.of(6L), revisions(changes(alice, 5L, 2)));
    assertInvariantsHold();
  }

  private List<MessageViewRecord> page(
      @Nullable Long beforeSeq, @Nullable Long afterSeq, @Nullable Integer size) {
    return alice.does(
        tx -> Routines.getMessages(tx.configuration(), conversation, beforeSeq, afterSeq, size));
  }

  private List<MessageViewRecord> changes(
      Person person, @Nullable Long after, @Nullable Integer size) {
    return person.does(tx -> Routines.getChanges(tx.configuration(), conversation, after, size));
  }

  private static List<Long> revisions(List<MessageViewRecord> messages) {
    return messages.stream().map(MessageViewRecord::getRevision).toList();
  }
}
