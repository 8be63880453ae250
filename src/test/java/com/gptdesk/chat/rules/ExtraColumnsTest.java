package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.gptdesk.chat.jooq.Routines;
import com.gptdesk.chat.jooq.udt.records.MessageViewRecord;
import com.gptdesk.chat.testing.TestDatabase;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
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
    UUID id = MessageRules.uuid7(Instant.now());
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

  /**
   * Every way into the log: rows that come, change and go, of each table whose changes are told.
   */
  @Test
  void aColumnOfTheirsReachesNoClient() {
    List<String> published =
        column("select distinct table_name from relay.published_columns() order by 1");
    List<Logged> logged =
        logged(
            () -> {
              UUID conversation = alice.talksTo(bob);
              UUID id = alice.sends(conversation, "hi").getId();
              alice.edits(id, "hello");
              bob.reacts(id, "👍");
              bob.readsUpTo(conversation, null);
              alice.is("online", null);
              alice.is("away", null);
              alice.typesTo(bob.id());
              bob.archives(conversation, true);
              bob.archives(conversation, false);
              bob.blocks(alice.id());
              bob.unblocks(alice.id());
              database.asOwner("update public.message_reactions set reaction = 'x'");
              database.asOwner("delete from public.users where id = '%s'".formatted(alice.id()));
            });
    Set<String> ways = new TreeSet<>();
    Map<String, Set<String>> told = new TreeMap<>();
    for (Logged change : logged) {
      ways.add(change.operation() + " " + change.table());
      Set<String> columns = told.computeIfAbsent(change.table(), table -> new TreeSet<>());
      columns.addAll(fieldsOf(change.row()));
      columns.addAll(fieldsOf(change.oldRow()));
    }
    published.forEach(
        table -> assertEquals(new TreeSet<>(columnsOf(table)), told.get(table), table));
    assertEquals(
        column(
            """
            select upper(g.event) || ' ' || t.name
            from unnest('%s'::text[]) t (name)
            cross join unnest('{delete,insert,update}'::text[]) g (event)
            where (t.name, g.event) <> ('user_blocks', 'update')
            union all
            select 'DELETE users'
            order by 1
            """
                .formatted("{" + String.join(",", published) + "}")),
        List.copyOf(ways));
    assertEquals(
        List.of(),
        column("select table_name from relay.published_columns() where column_name = 'priority'"));
  }

  /** What only their own column says is no change that anybody is told of. */
  @Test
  void aChangeOfTheirColumnAloneIsNotTold() {
    UUID conversation = alice.talksTo(bob);
    bob.reacts(alice.sends(conversation, "hi").getId(), "👍");
    bob.archives(conversation, true);
    alice.typesTo(bob.id());
    bob.blocks(alice.id());
    for (String table :
        column("select distinct table_name from relay.published_columns() order by 1")) {
      assertEquals(
          "", log(() -> database.asOwner("update public.%s set priority = 8".formatted(table))));
    }
    assertEquals(
        "0",
        database.ownerReads(
            "select count(*) from public.message_reactions where priority <> 8")); // the control
  }

  /** Who resumes a subscription is told the same columns. */
  @Test
  void norIsItReplayed() {
    UUID conversation = alice.talksTo(bob);
    alice.sends(conversation, "hi");
    assertEquals(
        columnsOf("user_messages"),
        fieldsOf(
            json(
                asks(
                    bob,
                    "select record from chat.changed_messages('%s', 0, 200)"
                        .formatted(conversation)))));
  }

  private List<String> columnsOf(String table) {
    return column(
        "select column_name from relay.published_columns() where table_name = '%s'"
            .formatted(table));
  }
}
