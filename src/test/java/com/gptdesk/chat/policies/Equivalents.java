package com.gptdesk.chat.policies;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Mutants that let nobody see or write more, each with the reason. The test fails when one of them
 * is noticed after all, or is no longer made.
 */
final class Equivalents {

  /** By the mutant's name. */
  static final Map<String, String> REASONS = new LinkedHashMap<>();

  private static final String LOCKS_ONLY =
      "Decides which conversation is locked; the row itself is asked for again below, with the check.";

  private static final String SAYS_WHY =
      "Tells which reason the refusal gives; it refuses all the same. ReasonCodesTest notices.";

  private static final String OF_OPERATORS =
      "What an operator does, whom no line of the matrix is: ComplianceRulesTest notices.";

  static {
    REASONS.put(
        "alter policy \"Users can send messages to their conversations\" on public.user_messages with check (true)",
        "The trigger number_message refuses another's name first, with PT403.");
    REASONS.put(
        "alter policy \"Users can update their own presence\" on public.user_presence with check (true)",
        "user_id is not granted for update, so a row stays whose it was.");
    REASONS.put(
        "chat.message_of_mine: true for c.id = ( select m.conversation_id from public.user_messages m where m.id = message_of_mine.message_id and me in (m.sender_id, m.recipient_id) )",
        LOCKS_ONLY);
    REASONS.put("chat.message_of_mine: true for me in (m.sender_id, m.recipient_id)", LOCKS_ONLY);
    REASONS.put(
        "chat.message_of_mine: without chat.require_active_user()",
        "Both who call it demand it, too.");
    String taken = "Then others' keys and old ids are taken: PT409, by the check of the sender.";
    REASONS.put("public.send_message: true for k.sender_id = me", taken);
    REASONS.put("public.send_message: true for m.sender_id = me", taken);
    REASONS.put("public.send_message: true for (m.sender_id = me or chosen_id is not null)", taken);
    REASONS.put(
        "chat.number_message: false for not found",
        "Then there is no recipient, and require_reachable refuses with the same code.");
    REASONS.put(
        "chat.lock_own_message: true for c.id = (select m.conversation_id from public.user_messages m where m.id = lock_own_message.message_id and m.sender_id = me)",
        LOCKS_ONLY);
    REASONS.put("chat.lock_own_message: true for m.sender_id = me", LOCKS_ONLY);
    REASONS.put(
        "chat.require_reachable: true for exists (select from public.users u where u.id = require_reachable.recipient_id and u.status = 'active')",
        SAYS_WHY);
    REASONS.put(
        "chat.require_reachable: false for exists (select from public.users u where u.id = require_reachable.recipient_id and u.status = 'active')",
        SAYS_WHY);
    REASONS.put("chat.require_reachable: true for u.id = require_reachable.recipient_id", SAYS_WHY);
    REASONS.put("chat.require_reachable: true for u.status = 'active'", SAYS_WHY);
    REASONS.put(
        "public.add_reaction: without chat.require_active_user()",
        "message_of_mine demands it, too.");
    REASONS.put(
        "public.remove_reaction: without chat.require_active_user()",
        "message_of_mine demands it, too.");
    REASONS.put(
        "public.add_reaction: true for r.user_id = me",
        "Counts the other's reactions, too: refuses earlier, not later.");
    REASONS.put(
        "public.get_conversations: true for me in (c.participant_1_id, c.participant_2_id)",
        "It runs as the caller, whose policy says the same.");
    REASONS.put(
        "public.get_conversations: true for p.user_id = me",
        "It runs as the caller, who sees no other's preferences.");
    REASONS.put(
        "public.get_or_create_conversation: true for c.participant_1_id = first_id (2)",
        "Reached only after losing a race.");
    REASONS.put(
        "public.get_or_create_conversation: true for c.participant_2_id = second_id (2)",
        "Reached only after losing a race.");
    REASONS.put(
        "public.mark_conversation_as_read: true for m.recipient_id = me",
        "What is after the read position was sent by the other: whoever sends has read.");
    REASONS.put(
        "public.mark_conversation_as_read: true for not m.read_by ? me::text",
        "Who is in read_by has a read position that is past it.");
    REASONS.put(
        "public.search_messages: true for me in (m.sender_id, m.recipient_id)",
        "The index has both people as words, which no text can have: its own are five letters at most.");
    REASONS.put(
        "chat.send_messages: true for array[c.participant_1_id, c.participant_2_id] && s.senders",
        LOCKS_ONLY);
    REASONS.put(
        "chat.send_messages: true for k.sender_id = g.person",
        "Then others' keys are left out, too: send_message decides about what is left out.");
    String counts =
        "Counts what is unread, and shows or writes nothing else: UnreadRulesTest notices.";
    REASONS.put("drop trigger count_taken_back on user_messages", counts);
    REASONS.put("chat.count_taken_back: true for p.user_id = new.recipient_id", counts);
    REASONS.put("chat.note_read: true for p.user_id = note_read.me", counts);
    REASONS.put("public.mark_as_unread: true for p.user_id = me", counts);
    REASONS.put("public.mark_as_delivered: true for c.id = any (mine)", LOCKS_ONLY);
    REASONS.put("public.mark_as_unread: true for m.recipient_id = me", counts);
    REASONS.put("public.mark_as_unread: false for first_seq is null", counts);
    REASONS.put(
        "chat.count_taken_back: true for new.recipient_id in (c.participant_1_id, c.participant_2_id)",
        "The row is a message of this conversation, so its recipient is one of the two.");
    String served = "Says which tables are served, whose policies hold all the same: %s notices.";
    String columns =
        "c.relname = any (array[ 'conversation_preferences', 'message_edits', 'message_reactions', 'user_blocks', 'user_conversations', 'user_messages', 'user_presence' ])"
            + " or c.relname = 'users' and a.attname = any (array['id', 'full_name', 'email', 'avatar_url', 'status', 'team_id'])"
            + " or c.relname = 'teams' and a.attname = any (array['id', 'name'])"
            + " or c.relname like any (array(select replace(replace(o.name, '_', e'\\\\_'), '*', '%') from unnest(served_columns.others) o (name)))";
    REASONS.put(
        "chat.served_columns: true for ( " + columns + " )", served.formatted("RestGrammarTest"));
    REASONS.put(
        "chat.served_columns: true for a.attname = any (array['id', 'full_name', 'email', 'avatar_url', 'status', 'team_id'])",
        served.formatted("RestEndpointTest"));
    String policies = "Runs with the caller's rights: the policies show them their own rows alone.";
    REASONS.put("public.get_unread_total: true for p.user_id = me", policies);
    REASONS.put(
        "public.get_unread_total: true for me in (c.participant_1_id, c.participant_2_id)",
        policies);
    String paged = "Where a page of one's own blocks begins: PreferencesRulesTest notices.";
    REASONS.put(
        "public.get_blocked_users: true for (b.created_at, b.blocked_id) < (before, coalesce(before_id, '00000000-0000-0000-0000-000000000000'))",
        paged);
    REASONS.put(
        "public.get_blocked_users: true for (before is null or (b.created_at, b.blocked_id) < (before, coalesce(before_id, '00000000-0000-0000-0000-000000000000')))",
        paged);
    REASONS.put(
        "chat.checked_content: true for char_length(cleaned) > maximum",
        "Leaves out directions that could be closed: TextRulesTest notices.");
    String sight =
        "Told to who has joined the topic, as its rights decide: TopicsRulesTest notices.";
    REASONS.put(
        "relay.tell_sight: true for not exists ( -- else nothing changes for the two select from public.user_blocks other where other.blocker_id = b.blocked_id and other.blocked_id = b.blocker_id )",
        sight);
    REASONS.put("relay.tell_sight: true for other.blocker_id = b.blocked_id", sight);
    REASONS.put("relay.tell_sight: true for other.blocked_id = b.blocker_id", sight);
    REASONS.put("relay.tell_sight: true for u.team_id = relay.team_of_topic(p.topic)", sight);
    REASONS.put(
        "public.send_message: true for me in (c.participant_1_id, c.participant_2_id)", LOCKS_ONLY);
    REASONS.put(
        "chat.view_of: without chat.sender_card()",
        "Both who call it have demanded the caller by lock_own_message.");
    REASONS.put("drop trigger audit_update on user_messages", OF_OPERATORS);
    REASONS.put("drop trigger audit_delete on user_messages", OF_OPERATORS);
    REASONS.put("drop trigger audit_truncate on user_messages", OF_OPERATORS);
    REASONS.put("drop trigger audit_delete on user_conversations", OF_OPERATORS);
    REASONS.put("drop trigger audit_truncate on user_conversations", OF_OPERATORS);
    REASONS.put("drop trigger audit_delete on message_edits", OF_OPERATORS);
    REASONS.put("drop trigger audit_update on message_edits", OF_OPERATORS);
    REASONS.put("drop trigger audit_truncate on message_edits", OF_OPERATORS);
    REASONS.put("drop trigger audit_settings on chat.settings", OF_OPERATORS);
    REASONS.put("drop trigger append_only on chat.audit_log", OF_OPERATORS);
    REASONS.put("drop trigger refuse_to_delete_held on user_conversations", OF_OPERATORS);
    REASONS.put("drop trigger keep_held_text on user_messages", OF_OPERATORS);
    REASONS.put("drop trigger keep_held_edit on message_edits", OF_OPERATORS);
    REASONS.put("drop trigger refuse_to_truncate_held on user_conversations", OF_OPERATORS);
    REASONS.put("drop trigger refuse_to_truncate_held on user_messages", OF_OPERATORS);
    REASONS.put("drop trigger refuse_to_delete_held on user_messages", OF_OPERATORS);
    REASONS.put(
        "chat.is_held: true for h.user_id in (c.participant_1_id, c.participant_2_id)",
        OF_OPERATORS);
    REASONS.put("drop trigger keep_held_file on chat_files", OF_OPERATORS);
    REASONS.put("drop trigger refuse_to_truncate_held on chat_files", OF_OPERATORS);
    String queue = "Leaves an object that no row leads to: FilesRulesTest notices.";
    REASONS.put("drop trigger queue_removal on chat_files", queue);
    REASONS.put("drop trigger queue_removal_of_all on chat_files", queue);
    REASONS.put(
        "public.add_push_subscription: false for settings.push_public_key is null",
        "Then a device is kept that is told of nothing: PushRulesTest notices.");
    REASONS.put("public.get_push_subscriptions: true for p.user_id = me", policies);
    String told = "Who is told of what, which they may all read: PushRulesTest notices.";
    REASONS.put("chat.add_push_notices: true for d.user_id = m.recipient_id", told);
    REASONS.put(
        "chat.add_push_notices: true for p.user_id = any (array( select x.recipient_id from public.user_messages x where x.id = any (add_push_notices.message_ids)))",
        told);
    REASONS.put("chat.add_push_notices: true for chat.is_away(m.recipient_id)", told);
    REASONS.put("chat.add_push_notices: false for chat.is_away(m.recipient_id)", told);
    REASONS.put(
        "chat.queue_push_notices: true for m.recipient_id = any (array(select d.user_id from public.push_subscriptions d))",
        told);
    REASONS.put("chat.take_push_notices: true for u.id = m.sender_id", told);
    REASONS.put(
        "chat.take_push_notices: true for m.seq > case d.user_id when c.participant_1_id then c.participant_1_read_seq else c.participant_2_read_seq end",
        told);
    String sameCode = "store_person refuses an address that is another's with the same code.";
    REASONS.put(
        "chat.provision_person: false for person is null and chat.person_called(provision_person.email) is not null",
        sameCode);
    REASONS.put("chat.provision_person: false for person is null", sameCode);
    REASONS.put(
        "chat.provision_person: false for chat.person_called(provision_person.email) is not null",
        sameCode);
    String meant =
        "Tells apart who is meant, for a back end that may change anybody: PeopleTest notices.";
    REASONS.put("chat.person_called: false for cardinality(known) > 1", meant);
    REASONS.put("chat.team_called: false for cardinality(known) > 1", meant);
    REASONS.put(
        "chat.own_people: false for (select s.platform from chat.settings s) <> 'standalone'",
        "On a platform that was here before, whose people the matrix leaves out: PeopleTest notices.");
    REASONS.put(
        "chat.drop_messages_step: false for holding is not null",
        "What an operator does: OperatorsRulesTest notices.");
  }

  private Equivalents() {}
}
