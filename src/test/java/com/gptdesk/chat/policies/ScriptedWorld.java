package com.gptdesk.chat.policies;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.UUID;

/**
 * Every kind of change that is published, once: two teams, somebody in none, functions and hand.
 * The teams have the ids of people who are not in them.
 */
final class ScriptedWorld implements World {

  private static final String[] SCRIPT = {
    "insert into public.teams (id, name) values (:blue, 'Blue'), (:red, 'Red')",
    "insert into public.users (id, full_name, email, team_id) values (:a, 'A', 'a', :blue), (:b, 'B', 'b', :blue),"
        + " (:c, 'C', 'c', :blue), (:d, 'D', 'd', :red), (:e, 'E', 'e', null)",
    "A: select public.get_or_create_conversation(:a, :b)",
    "A: select public.send_message((select id from public.user_conversations limit 1), 'hello')",
    "B: select public.send_message((select id from public.user_conversations limit 1), 'hello back')",
    "A: select public.edit_message((select id from public.user_messages where seq = 1), 'hello there')",
    "B: select public.mark_conversation_as_read((select id from public.user_conversations limit 1))",
    "A: select public.add_reaction((select id from public.user_messages where seq = 1), ':heart:')",
    "B: select public.add_reaction((select id from public.user_messages where seq = 1), ':star:')",
    "update public.message_reactions set reaction = 'moon' where reaction = ':star:'",
    "update public.message_reactions set sender_id = :c where reaction = 'moon'",
    "update public.message_reactions set recipient_id = :d where reaction = ':heart:'",
    "A: select public.remove_reaction((select id from public.user_messages where seq = 1), ':heart:')",
    "update public.user_messages set sender_id = :c where seq = 1",
    "update public.user_messages set recipient_id = :d where seq = 1",
    "B: select public.delete_message((select id from public.user_messages where seq = 2))",
    "A: select public.set_muted((select id from public.user_conversations limit 1), 'infinity')",
    "A: select public.set_archived((select id from public.user_conversations limit 1), true)",
    "B: select public.set_muted((select id from public.user_conversations limit 1), 'infinity')",
    "delete from public.conversation_preferences where user_id = :a",
    "B: select public.update_typing_status(:a)", // an INSERT
    "update public.user_presence set is_typing_to = :c where user_id = :b",
    "B: select public.update_typing_status(null)",
    "A: select public.update_presence('online', '/page')",
    "A: select public.update_presence('busy', '/other')",
    "A: select public.update_typing_status(:b)",
    "E: select public.update_presence('online')", // who is in no team
    "E: select public.update_presence('away')",
    "update public.users set team_id = :red where id = :b",
    "update public.users set team_id = null where id = :a",
    "A: select public.update_presence('offline')",
    "delete from public.user_presence where user_id = :e",
    "update public.users set team_id = :blue where id = :b",
    "delete from public.user_presence where user_id = :b",
    "B: select public.block_user(:c)",
    "B: select public.unblock_user(:c)",
    "B: select public.update_presence('online', '/page')",
    "C: select public.get_or_create_conversation(:b, :c)",
    "C: select public.update_typing_status(:b)", // an INSERT
    "B: select public.block_user(:c)", // who typed to B
    "B: select public.update_presence('busy')",
    "C: select public.update_presence('away')",
    "C: select public.block_user(:b)",
    "B: select public.unblock_user(:c)", // C still blocks B
    "update public.users set team_id = :red where id = :c",
    "update public.users set team_id = :blue where id = :c",
    "delete from public.user_presence where user_id = :c",
    "C: select public.update_presence('online')", // an INSERT
    "C: select public.unblock_user(:b)",
    "insert into public.user_blocks (blocker_id, blocked_id) values (:b, :c), (:c, :b)",
    "delete from public.user_blocks where blocker_id in (:b, :c)",
    "delete from public.user_conversations where created_by = :c",
    "insert into public.user_blocks (blocker_id, blocked_id) values (:c, :d)",
    "update public.users set status = 'inactive' where id = :c",
    "update public.users set status = 'active' where id = :c",
    "insert into public.user_conversations (participant_1_id, participant_2_id, created_by) values (:b, :c, :c)",
    "update public.user_conversations set participant_1_id = :a where created_by = :c",
    "insert into public.user_conversations (participant_1_id, participant_2_id, created_by) values (:b, :c, :b)",
    "update public.user_conversations set participant_2_id = :d where created_by = :b",
    "update public.user_conversations set is_archived = true",
    "delete from public.user_messages where seq = 2",
    "delete from public.user_conversations where created_by = :b",
    "delete from public.users where id = :a",
    "delete from public.teams where id = :blue"
  };

  private final Connection owner;
  private int next;

  ScriptedWorld(Connection owner) {
    this.owner = owner;
  }

  static int steps() {
    return SCRIPT.length;
  }

  @Override
  public List<UUID> people() {
    return List.of(id('a'), id('b'), id('c'), id('d'), id('e'));
  }

  @Override
  public String step() throws SQLException {
    next++;
    return stepAgain();
  }

  /** The last step, once it has been rolled back. */
  String stepAgain() throws SQLException {
    String line = SCRIPT[next - 1];
    boolean byPerson = line.charAt(1) == ':';
    String sql =
        (byPerson ? line.substring(3) : line)
            .replace(":blue", "'" + id('e') + "'::uuid")
            .replace(":red", "'" + id('c') + "'::uuid")
            .replaceAll("(?<!:):([a-e])\\b", "'0000000$1-0000-4000-8000-000000000000'::uuid");
    String refused =
        World.act(owner, byPerson ? id(Character.toLowerCase(line.charAt(0))) : null, sql);
    if (!refused.isEmpty()) {
      throw new IllegalStateException(line + refused);
    }
    return line;
  }

  private static UUID id(char digit) {
    return UUID.fromString("0000000" + digit + "-0000-4000-8000-000000000000");
  }
}
