package com.gptdesk.chat.rules;

import static com.gptdesk.chat.jooq.Tables.MESSAGE_REACTIONS;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.gptdesk.chat.jooq.tables.records.MessageReactionsRecord;
import com.gptdesk.chat.jooq.udt.records.MessageViewRecord;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** {@code logic/reactions}: both see them, each gives and takes back their own, by function. */
class ReactionsRulesTest extends Rules {

  private final UUID conversation = alice.talksTo(bob);
  private final MessageViewRecord message = alice.sends(conversation, "hi");
  private final UUID id = message.getId();

  @Test
  void bothPeopleSeeReactions() {
    bob.reacts(id, "👍");
    everybody(
        "select * from public.message_reactions",
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
  void nobodyWritesThemByHand() {
    bob.reacts(id, "👍");
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
    everybody(
        ("insert into public.message_reactions (message_id, user_id, reaction, conversation_id, sender_id, recipient_id)"
                + " values ('%s', '%s', 'x', '%s', '%s', '%s')")
            .formatted(id, alice.id(), conversation, alice.id(), bob.id()),
        nobody);
    everybody("update public.message_reactions set reaction = 'x'", nobody);
    everybody("delete from public.message_reactions", nobody);
  }

  @Test
  void theTwoReact() {
    String theTwo =
        """
        Alice    1
        Bob      1
        Carol    PT404
        Mallory  PT404
        Ivan     PT403
        Stranger PT403
        No one   PT403
        Forger   PT404
        Garbled  22P02
        Anon     42501
        Service  42501
        Relay    42501
        """;
    everybody("select public.add_reaction('%s', '👍')".formatted(id), theTwo);
    everybody("select public.remove_reaction('%s', '👍')".formatted(id), theTwo);
    bob.isRefused(() -> bob.reacts(NOBODY, "👍"), "PT404");
    bob.isRefused(() -> bob.takesBack(NOBODY, "👍"), "PT404");
  }

  @Test
  void aReactionIsAChangeOfItsMessage() {
    bob.reacts(id, "👍");
    MessageReactionsRecord reaction = alice.does(tx -> tx.fetchSingle(MESSAGE_REACTIONS));
    assertEquals(id, reaction.getMessageId());
    assertEquals(bob.id(), reaction.getUserId());
    assertEquals(conversation, reaction.getConversationId());
    assertEquals(alice.id(), reaction.getSenderId());
    assertEquals(bob.id(), reaction.getRecipientId());
    MessageViewRecord now = alice.messagesOf(conversation).getFirst();
    assertEquals(2, now.getRevision());
    assertEquals(message.getUpdatedAt(), now.getUpdatedAt()); // its text is as old as it was
    assertInvariantsHold();
  }

  @Test
  void againChangesNothing() {
    bob.reacts(id, "👍");
    assertEquals("", log(() -> bob.reacts(id, "👍")));
    bob.takesBack(id, "👍");
    assertEquals("", log(() -> bob.takesBack(id, "👍")));
    assertEquals(3, view(alice, conversation).getRevision());
    assertInvariantsHold();
  }

  @Test
  void onesOwnReactionIsTakenBack() {
    alice.reacts(id, "👍");
    bob.takesBack(id, "👍"); // hers, not his
    alice.sees(MESSAGE_REACTIONS).rows(1);
    alice.takesBack(id, "👍");
    alice.sees(MESSAGE_REACTIONS).nothing();
  }

  @Test
  void reactionsAreGroupedOldestFirst() {
    bob.reacts(id, "👍");
    alice.reacts(id, "🙂");
    alice.reacts(id, "👍");
    assertEquals(
        json(
            "[{\"reaction\":\"👍\",\"user_ids\":[\"%s\",\"%s\"]},{\"reaction\":\"🙂\",\"user_ids\":[\"%s\"]}]"
                .formatted(bob.id(), alice.id(), alice.id())),
        json(bob.messagesOf(conversation).getFirst().getReactions()));
  }

  @Test
  void aReactionIsShortAndWithoutSpaces() {
    for (String none : new String[] {"", " ", "a b", "a\n", "x".repeat(33), null}) {
      bob.isRefused(() -> bob.reacts(id, none), "PT400");
    }
    for (String one : List.of("👨‍👩‍👧‍👦", "👩🏽‍❤️‍💋‍👨🏿", "+1", "x".repeat(32))) {
      bob.reacts(id, one);
    }
    bob.sees(MESSAGE_REACTIONS).rows(4);
  }

  @Test
  void aPersonGivesAMessageSoManyReactions() {
    database.asOwner("update chat.settings set max_reactions = 2");
    bob.reacts(id, "1");
    bob.reacts(id, "2");
    bob.isRefused(() -> bob.reacts(id, "3"), "PT409");
    bob.reacts(id, "2"); // again is no other one
    alice.reacts(id, "3"); // each their own
    bob.takesBack(id, "1");
    bob.reacts(id, "3");
  }

  @Test
  void aDeletedMessageTakesNone() {
    alice.deletes(id);
    bob.isRefused(() -> bob.reacts(id, "👍"), "PT409");
    bob.takesBack(id, "👍");
  }

  @Test
  void whoMayNotWriteMayTakeBackButNotGive() {
    bob.reacts(id, "👍");
    alice.blocks(bob.id());
    bob.isRefused(() -> bob.reacts(id, "🙂"), "PT403");
    alice.isRefused(() -> alice.reacts(id, "🙂"), "PT403");
    bob.takesBack(id, "👍");
    alice.sees(MESSAGE_REACTIONS).nothing();
  }
}
