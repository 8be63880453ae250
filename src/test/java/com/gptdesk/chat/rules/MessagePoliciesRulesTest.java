package com.gptdesk.chat.rules;

import static com.gptdesk.chat.jooq.Tables.MESSAGE_EDITS;
import static com.gptdesk.chat.jooq.Tables.USER_MESSAGES;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.gptdesk.chat.jooq.udt.records.MessageViewRecord;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/**
 * {@code R__36_policies}: the tables by hand, and what stays of a message when a person or a team
 * goes.
 */
class MessagePoliciesRulesTest extends MessageRules {

  @Test
  void bothPeopleOfAConversationSeeItsMessages() {
    alice.sends(conversation, "hi");
    everybody(
        "select * from public.user_messages",
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
  void aPlainInsertIsASend() {
    // As oneself, in a conversation of one's own; the trigger speaks before the policy.
    String insert =
        "insert into public.user_messages (conversation_id, sender_id, content) values ('%s', '%s', '%s') returning id";
    everybody(
        insert.formatted(conversation, alice.id(), "hi"),
        """
        Alice    1
        Bob      PT403
        Carol    PT403
        Mallory  PT403
        Ivan     PT403
        Stranger PT403
        No one   PT403
        Forger   PT403
        Garbled  22P02
        Anon     42501
        Service  1
        Relay    42501
        """);
    everybody(insert.formatted(conversation, carol.id(), "hi"), "Carol    PT403\nService  PT403");
    everybody(insert.formatted(NOBODY, alice.id(), "hi"), "Alice    PT403\nService  PT403");
    everybody(insert.formatted(conversation, alice.id(), " "), "Alice    PT400");
    everybody(insert.formatted(conversation, alice.id(), "x".repeat(1001)), "Alice    PT413");
    bob.blocks(alice.id());
    everybody(insert.formatted(conversation, alice.id(), "hi"), "Alice    PT403\nService  PT403");
  }

  @Test
  void aPlainInsertIsNumberedLikeASend() {
    alice.tries(
        tx ->
            tx.execute(
                "insert into public.user_messages (conversation_id, sender_id, content) values (?, ?, 'one'), (?, ?, 'two')",
                conversation,
                alice.id(),
                conversation,
                alice.id()));
    MessageViewRecord three = bob.sends(conversation, "three");
    assertEquals(List.of(1L, 2L, 3L), seqs(alice.messagesOf(conversation)));
    assertEquals(3, three.getRevision());
    assertInvariantsHold();
  }

  @Test
  void nobodySetsWhatIsTheDatabasesToSet() {
    for (String column :
        List.of(
            "id",
            "created_at",
            "updated_at",
            "is_edited",
            "is_deleted",
            "read_by",
            "recipient_id",
            "seq",
            "sent_revision",
            "revision",
            "written_at",
            "client_id")) {
      everybody(
          "insert into public.user_messages (conversation_id, sender_id, content, %s) values ('%s', '%s', 'hi', default)"
              .formatted(column, conversation, alice.id()),
          "Alice    42501\nService  42501");
    }
  }

  @Test
  void nobodyUpdatesOrDeletesMessagesByHand() {
    MessageViewRecord message = alice.sends(conversation, "hi");
    alice.edits(message.getId(), "hello");
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
            "content = 'x'",
            "read_by = '[]'",
            "is_deleted = true",
            "sender_id = sender_id",
            "seq = 7")) {
      everybody("update public.user_messages set " + change, nobody);
    }
    everybody("delete from public.user_messages", nobody);
    everybody("update public.message_edits set content = ''", nobody);
    everybody("delete from public.message_edits", nobody);
    everybody(
        "insert into public.message_edits (message_id, sender_id, content) values ('%s', '%s', 'never said')"
            .formatted(message.getId(), alice.id()),
        nobody);
    bob.sees(USER_MESSAGES).rows(1);
  }

  @Test
  void aPartitionIsNoWayIn() {
    alice.sends(conversation, "hi");
    String partition = database.ownerReads("select tableoid::regclass from public.user_messages");
    String nobody =
        "Alice    42501\nBob      42501\nMallory  42501\nAnon     42501\nService  42501\nRelay    42501";
    assertEquals("1", database.ownerReads("select count(*) from " + partition));
    everybody("select * from " + partition, nobody);
    everybody("insert into " + partition + " default values", nobody);
    everybody("update " + partition + " set content = 'x'", nobody);
    everybody("delete from " + partition, nobody);
    everybody("truncate " + partition, nobody);
    everybody("truncate public.user_messages cascade", nobody);
  }

  @Test
  void earlierTextsAreForBothUntilTheMessageIsTakenBack() {
    MessageViewRecord message = alice.sends(conversation, "hi");
    alice.edits(message.getId(), "hello");
    everybody(
        "select * from public.message_edits",
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
    alice.deletes(message.getId());
    bob.sees(MESSAGE_EDITS).nothing();
  }

  @Test
  void earlierTextsOfBeforeTheyWereForBothStayTheirSenders() {
    MessageViewRecord message = alice.sends(conversation, "hi");
    alice.edits(message.getId(), "hello");
    database.asOwner("update public.message_edits set recipient_id = null"); // as V380 leaves them
    alice.sees(MESSAGE_EDITS).rows(1);
    bob.sees(MESSAGE_EDITS).nothing();
    assertInvariantsHold();
  }

  @Test
  void aDeletedPersonTakesTheirConversationsAlong() {
    UUID withCarol = bob.talksTo(carol);
    bob.sends(withCarol, "stays");
    UUID message = alice.sends(conversation, "goes").getId();
    alice.edits(message, "gone");
    bob.reacts(message, "👍");
    bob.mutes(conversation, null);
    bob.blocks(alice.id());
    alice.is("online", null);
    database.asOwner("delete from public.users where id = '" + alice.id() + "'");
    bob.sees(USER_MESSAGES).rows(1);
    for (String table :
        List.of(
            "message_edits",
            "message_reactions",
            "conversation_preferences",
            "user_blocks",
            "user_presence")) {
      assertEquals("0", database.ownerReads("select count(*) from public." + table), table);
    }
    assertInvariantsHold();
  }

  @Test
  void aDeletedTeamLeavesItsPeopleTheirMessages() {
    alice.sends(conversation, "hi");
    alice.is("online", null);
    database.asOwner("delete from public.teams where name = 'Blue'");
    alice.sees(USER_MESSAGES).rows(1);
    bob.sees(USER_MESSAGES).rows(1);
    alice.isRefused(() -> alice.sends(conversation, "hi"), "PT403");
    assertEquals("null", database.ownerReads("select team_id from public.user_presence"));
    assertInvariantsHold();
  }
}
