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
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

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
              "send_message(conversation_id, content, message_type (optional), id (optional), file_url (optional), file_name (optional), file_size (optional), metadata (optional))",
              "COMPOSITE writes"),
          Map.entry(
              "get_changes(conversation_id, after_revision, page_size (optional))", "SET reads"),
          Map.entry("edit_message(message_id, content)", "COMPOSITE writes"),
          Map.entry("delete_message(message_id)", "COMPOSITE writes"),
          Map.entry("mark_as_read(message_ids)", "SCALAR writes"),
          Map.entry(
              "mark_conversation_as_read(conversation_id, up_to_seq (optional))", "SCALAR writes"),
          Map.entry("mark_as_unread(conversation_id, from_seq (optional))", "SCALAR writes"),
          Map.entry("get_unread_total()", "COMPOSITE reads"),
          Map.entry("add_reaction(message_id, reaction)", "VOID writes"),
          Map.entry("remove_reaction(message_id, reaction)", "VOID writes"),
          Map.entry("set_archived(conversation_id, archived)", "VOID writes"),
          Map.entry("set_muted(conversation_id, until)", "VOID writes"),
          Map.entry("block_user(user_id)", "VOID writes"),
          Map.entry("unblock_user(user_id)", "VOID writes"),
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

  private static Reply ask(UUID person, String function, String arguments) {
    String token = new TokenIssuer(SECRET).forUser(person, Duration.ofMinutes(5));
    return gateway.answer(
        new RpcRequest(
            "POST",
            function,
            List.of(),
            "Bearer " + token,
            null,
            "public",
            "*/*",
            "application/json",
            null,
            null,
            ByteBuffer.wrap(arguments.getBytes(StandardCharsets.UTF_8))));
  }
}
