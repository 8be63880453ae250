package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.gptdesk.chat.jooq.Routines;
import com.gptdesk.chat.jooq.udt.records.MessageViewRecord;
import com.gptdesk.chat.testing.TestDatabase;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/**
 * A DBA has added a column of their own to every table, in the place of one that they dropped: the
 * chat does what it did, and functions return what they returned.
 */
class ExtraColumnsTest extends Rules {

  ExtraColumnsTest() {
    super(TestDatabase.fresh());
    database.asOwner(
        """
        do $$
        declare
          ours regclass;
        begin
          for ours in
            select c.oid
            from pg_class c
            where c.relnamespace::regnamespace::text in ('public', 'chat', 'relay')
              and c.relkind in ('r', 'p')
              and not c.relispartition
              and c.relname <> 'flyway_history'
          loop
            execute format('alter table %s add column dropped int default 6', ours);
            execute format('alter table %s drop column dropped', ours);
            execute format('alter table %s add column priority int not null default 7', ours);
          end loop;
        end
        $$
        """);
  }

  @Test
  void messagesAreWhatTheyWere() {
    UUID conversation = alice.talksTo(bob);
    UUID id = MessagesRulesTest.uuid7(Instant.now());
    MessageViewRecord sent = alice.sends(conversation, "hi");
    for (MessageViewRecord view :
        List.of(
            sent,
            alice.sends(id, conversation, "hi"),
            alice.sends(id, conversation, "hi"),
            alice.edits(sent.getId(), "hello"),
            bob.messagesOf(conversation).getFirst(),
            alice.deletes(alice.sends(conversation, "no").getId()))) {
      assertEquals(alice.id().toString(), json(view.getSender()).path("id").asString());
      assertEquals(List.of(), view.getReactions());
      assertEquals(bob.id(), view.getRecipientId());
    }
    bob.reacts(sent.getId(), "👍");
    assertEquals(
        1,
        bob.does(tx -> Routines.getChanges(tx.configuration(), conversation, 0L, 200))
            .getLast()
            .getReactions()
            .size());
    assertEquals(0, bob.readsUpTo(conversation, null));
    assertEquals(
        sent.getId(),
        bob.does(tx -> Routines.searchMessages(tx.configuration(), "hello", null, null, 20))
            .getFirst()
            .getId());
  }

  @Test
  void theRestGoesOn() {
    UUID conversation = alice.talksTo(bob);
    alice.sends(conversation, "hi");
    alice.is("online", null);
    alice.typesTo(bob.id());
    bob.archives(conversation, true);
    bob.mutes(conversation, null);
    bob.blocks(alice.id());
    alice.isRefused(() -> alice.sends(conversation, "hi"), "PT403");
    bob.unblocks(alice.id());
    assertEquals(1, bob.conversation(conversation).getUnreadCount());
    database.asOwner("select chat.create_message_partition('2034-01-01')");
    assertInvariantsHold();
  }
}
