package com.gptdesk.chat.service.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.service.auth.TokenSettings;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.http.Reply;
import com.gptdesk.chat.service.http.RequestLimits;
import com.gptdesk.chat.service.rpc.CallableFunction.Result;
import com.gptdesk.chat.testing.TestDatabase;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

/** The functions that clients rely on, as the gateway finds them in the real database. */
class ContractTest {
  /**
   * Every function of the contract: its arguments, its shape, and whether it may be called by GET.
   */
  private static final Map<String, String> CONTRACT =
      Map.ofEntries(
          Map.entry("get_or_create_conversation(user1_id, user2_id)", "SCALAR writes"),
          Map.entry(
              "get_conversations(before (optional), before_id (optional), page_size (optional), archived (optional), conversation_id (optional))",
              "SET reads"),
          Map.entry(
              "get_messages(conversation_id, before_seq (optional), after_seq (optional), page_size (optional))",
              "SET reads"),
          Map.entry(
              "send_message(conversation_id, content, message_type (optional), id (optional), file_url (optional), file_name (optional), file_size (optional), metadata (optional), written_at (optional))",
              "COMPOSITE writes"),
          Map.entry(
              "get_changes(conversation_id, after_revision, page_size (optional))", "SET reads"),
          Map.entry("edit_message(message_id, content)", "COMPOSITE writes"),
          Map.entry("delete_message(message_id)", "COMPOSITE writes"),
          Map.entry("mark_as_read(message_ids)", "SCALAR writes"),
          Map.entry(
              "mark_conversation_as_read(conversation_id, up_to_seq (optional))", "SCALAR writes"),
          Map.entry("mark_as_unread(conversation_id, from_seq (optional))", "SCALAR writes"),
          Map.entry("mark_as_delivered(conversation_ids, up_to_seqs)", "SCALAR writes"),
          Map.entry("get_unread_total()", "COMPOSITE reads"),
          Map.entry("add_reaction(message_id, reaction)", "VOID writes"),
          Map.entry("remove_reaction(message_id, reaction)", "VOID writes"),
          Map.entry("set_archived(conversation_id, archived)", "VOID writes"),
          Map.entry("set_muted(conversation_id, until)", "VOID writes"),
          Map.entry("block_user(user_id)", "VOID writes"),
          Map.entry("unblock_user(user_id)", "VOID writes"),
          Map.entry(
              "get_blocked_users(before (optional), before_id (optional), page_size (optional))",
              "SET reads"),
          Map.entry(
              "add_push_subscription(endpoint, p256dh, auth, label (optional), shows_text (optional))",
              "SCALAR writes"),
          Map.entry("remove_push_subscription(endpoint)", "SCALAR writes"),
          Map.entry("get_push_subscriptions()", "SET reads"),
          Map.entry("activate_person(who)", "SCALAR writes"),
          Map.entry(
              "add_person(email, full_name (optional), team (optional), avatar_url (optional), id (optional))",
              "SCALAR writes"),
          Map.entry("add_team(name)", "SCALAR writes"),
          Map.entry("deactivate_person(who)", "SCALAR writes"),
          Map.entry("update_typing_status(typing_to)", "VOID writes"),
          Map.entry("update_presence(status, current_page (optional))", "VOID writes"),
          Map.entry("search_users(query, team_id (optional), page_size (optional))", "SET reads"),
          Map.entry(
              "search_messages(query, conversation_id (optional), before_id (optional), page_size (optional))",
              "SET reads"));

  private static final String SECRET = "a secret that is at least 32 bytes long";

  private static TestDatabase database;
  private static RpcEndpoint gateway;

  @BeforeAll
  static void open() {
    database = TestDatabase.fresh();
    gateway =
        new RpcEndpoint(
            database.chat(),
            List.of("pretends_to_read"),
            null,
            new TokenVerifier(TokenSettings.ofSecret(SECRET)),
            RequestLimits.ample(),
            true);
  }

  @AfterAll
  static void close() {
    database.close();
  }

  @Test
  void theContractIsThereAndNothingElse() {
    List<CallableFunction> found = new DatabaseFunctions(database.chat()).functions();
    Map<String, String> described =
        found.stream()
            .collect(
                Collectors.toMap(
                    CallableFunction::signature,
                    function -> function.result() + (function.writes() ? " writes" : " reads")));
    assertEquals(new TreeMap<>(CONTRACT), new TreeMap<>(described));
    assertTrue(
        found.stream()
            .noneMatch(function -> function.result() == Result.SCALAR && !function.writes()));
  }

  @Test
  void aMessageGoesInAndComesOut() {
    UUID alice = database.alice().id();
    String conversation =
        ask(
                alice,
                "get_or_create_conversation",
                "{\"user1_id\":\"%s\",\"user2_id\":\"%s\"}".formatted(alice, database.bob().id()))
            .body();
    Reply sent =
        ask(
            alice,
            "send_message",
            "{\"conversation_id\":%s,\"content\":\"hi 🙂\",\"metadata\":{\"a\":[1]}}"
                .formatted(conversation));
    assertEquals(200, sent.status(), sent.body());

    Reply page =
        ask(
            database.bob().id(),
            "get_messages",
            "{\"conversation_id\":%s}".formatted(conversation));
    assertEquals("0-0/*", page.headers().get("Content-Range"));
    assertTrue(String.valueOf(page.body()).contains("hi 🙂"), page.body());

    Reply others =
        ask(
            database.mallory().id(),
            "get_messages",
            "{\"conversation_id\":%s}".formatted(conversation));
    assertEquals("[]", others.body());
    assertFalse(String.valueOf(others.body()).contains("hi"));
  }

  @Test
  void whatOnlyReadsRunsReadOnlyWhateverItCalls() {
    String bob = "{\"user_id\":\"%s\"}".formatted(database.bob().id());
    database.asOwner(
        """
        create function public.pretends_to_read(user_id uuid) returns void stable language sql
          as 'select public.block_user(user_id)';
        grant execute on function public.pretends_to_read to authenticated
        """);
    try {
      Reply refused = ask(database.alice().id(), "pretends_to_read", bob);
      assertEquals(405, refused.status(), refused.body());
      assertTrue(String.valueOf(refused.body()).contains("\"25006\""), refused.body());
      assertEquals("0", database.ownerReads("select count(*) from public.user_blocks"));

      assertEquals(204, ask(database.alice().id(), "block_user", bob).status());
      assertEquals("1", database.ownerReads("select count(*) from public.user_blocks"));
    } finally {
      database.asOwner("drop function public.pretends_to_read; delete from public.user_blocks");
    }
  }

  /** What follows {@code rpc()} in supabase-js, with PostgREST's answers. */
  @Test
  void resultsAreShaped() {
    UUID alice = database.alice().id();
    String arguments =
        "{\"conversation_id\":\"%s\"}".formatted(database.alice().talksTo(database.carol()));
    for (String content : List.of("p1", "P2 a,b", "p3 'x' \\", "p4 (\"q\") ?", "p5 é")) {
      Reply sent =
          ask(
              alice,
              "send_message",
              new JsonMapper()
                  .writeValueAsString(
                      Map.of(
                          "conversation_id",
                          arguments.substring(20, 56),
                          "content",
                          content,
                          "metadata",
                          Map.of("n", content.length()))));
      assertEquals(200, sent.status(), sent.body());
    }
    for (String[] shape :
        new String[][] {
          {"[1,2,3,4,5]"},
          {"[1,2]", "limit", "2"},
          {"[5,4,3,2,1]", "order", "seq.desc"},
          {"[4,5]", "order", "seq", "offset", "3", "limit", "10"},
          {"[2,3]", "offset", "1", "limit", "2"},
          {"[]", "offset", "9"},
          {"[3]", "seq", "eq.3"},
          {"[1,2,4,5]", "seq", "neq.3"},
          {"[4,5]", "seq", "gt.3"},
          {"[2,3]", "seq", "gte.2", "seq", "lt.4"},
          {"[2,5]", "seq", "in.(2,5,9)"},
          {"[]", "seq", "in.()"},
          {"[1,3,4]", "seq", "not.in.(2,5)"},
          {"[2]", "content", "in.(\"P2 a,b\")"},
          {"[1]", "content", "eq.p1"},
          {"[3]", "content", "eq.p3 'x' \\"},
          {"[4]", "content", "eq.p4 (\"q\") ?"},
          {"[1,3,4,5]", "content", "like.p*"},
          {"[1,2,3,4,5]", "content", "ilike.P%"},
          {"[1,2]", "content", "like(any).{p1,P2*}"},
          {"[1,3,4,5]", "content", "match.^p\\d"},
          {"[1,2,3,4,5]", "content", "imatch.^P[1-5]"},
          {"[2]", "content", "not.match.^p"},
          {"[1,2,3,5]", "content", "isdistinct.p4 (\"q\") ?"},
          {"[4]", "content", "not.isdistinct.p4 (\"q\") ?"},
          {"[1,2,3,4,5]", "file_url", "isdistinct.x"},
          {"[1,2,3,4,5]", "file_url", "is.null"},
          {"[]", "file_url", "not.is.null"},
          {"[1,2,3,4,5]", "is_edited", "is.false"},
          {"[2]", "metadata", "cs.{\"n\":6}"},
          {"[1,5]", "or", "(seq.eq.1,and(seq.gt.4,content.like.p*))"},
          {"[2,3,4]", "not.or", "(seq.eq.1,seq.eq.5)"},
          {"[2]", "or", "(content.eq.\"P2 a,b\",seq.eq.9)"},
          {"[1,3,5]", "and", "(seq.not.eq.2,seq.not.eq.4)"}
        }) {
      List<Map.Entry<String, String>> query = new ArrayList<>();
      for (int i = 1; i < shape.length; i += 2) {
        query.add(Map.entry(shape[i], shape[i + 1]));
      }
      String what = String.join(" ", shape);
      query.add(Map.entry("select", "seq"));
      Reply reply = ask(alice, "get_messages", arguments, query, null);
      assertEquals(200, reply.status(), what + reply.body());
      assertEquals(
          shape[0],
          String.valueOf(reply.body())
              .replaceAll("\\{\"seq\":(\\d)\\}", "$1")
              .replaceAll("\\s", ""),
          what);
    }
    List<Map.Entry<String, String>> part =
        List.of(Map.entry("select", "n:seq,content"), Map.entry("limit", "1"));
    Reply counted = ask(alice, "get_messages", arguments, part, "count=exact");
    assertEquals(206, counted.status());
    assertEquals("0-0/5", counted.headers().get("Content-Range"));
    assertEquals("[{\"n\":1,\"content\":\"p1\"}]", counted.body());
    String sent = "{" + arguments.substring(1, arguments.length() - 1) + ",\"content\":\"one\"}";
    assertEquals(
        "{\"content\":\"one\"}",
        ask(alice, "send_message", sent, List.of(Map.entry("select", "content")), null).body());
  }

  /** A name or a value of a client's is never more than that. */
  @Test
  void aShapeIsNoStatement() {
    UUID alice = database.alice().id();
    for (String[] shape :
        new String[][] {
          {"no_column", "eq.1", "42703"},
          {"seq", "eq.1) or (1=1", "22P02"},
          {"seq", "eq.1'; drop table public.user_messages; --", "22P02"},
          {"seq", "in.(1) or true", "PGRST100"},
          {"seq", "in.(\"1}') or ('1\")", "22P02"},
          {"order", "seq.desc;drop", "PGRST100"},
          {"order", "chat", "42703"},
          {"select", "seq from chat.settings", "PGRST100"},
          {"content", "match.(", "2201B"},
          {"content", "is.true", "42804"},
          {"limit", "1 union select", "PGRST100"}
        }) {
      Reply reply =
          ask(
              alice,
              "get_messages",
              "{\"conversation_id\":\"%s\"}".formatted(database.alice().talksTo(database.bob())),
              List.of(Map.entry(shape[0], shape[1])),
              null);
      assertEquals(400, reply.status(), reply.body());
      assertEquals(
          shape[2],
          new JsonMapper().readTree(reply.body()).path("code").stringValue(),
          String.join(" ", shape));
    }
  }

  private static Reply ask(UUID person, String function, String arguments) {
    return ask(person, function, arguments, List.of(), null);
  }

  private static Reply ask(
      UUID person,
      String function,
      String arguments,
      List<Map.Entry<String, String>> query,
      @Nullable String prefer) {
    String token = new TokenIssuer(SECRET).forUser(person, Duration.ofMinutes(5));
    return gateway.answer(
        new RpcRequest(
            "POST",
            function,
            query,
            "Bearer " + token,
            null,
            "public",
            "*/*",
            "application/json",
            prefer,
            null,
            ByteBuffer.wrap(arguments.getBytes(StandardCharsets.UTF_8))));
  }
}
