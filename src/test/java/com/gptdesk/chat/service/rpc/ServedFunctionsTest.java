package com.gptdesk.chat.service.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.migration.Migrations;
import com.gptdesk.chat.database.migration.Platform;
import com.gptdesk.chat.database.migration.Platforms;
import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.service.auth.TokenSettings;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.service.http.Reply;
import com.gptdesk.chat.service.http.RequestLimits;
import com.gptdesk.chat.testing.TestServer;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** In a database with functions of somebody else's, the chat serves its own. */
class ServedFunctionsTest {

  private static final String SECRET = "a secret that is at least 32 bytes long";
  private static final UUID ALICE = UUID.fromString("00000000-0000-4000-8000-00000000000a");

  private static TestServer server;
  private static Login service;

  @BeforeAll
  static void prepare() {
    server = TestServer.start();
    Login owner = Platforms.gptDesk(server);
    // As PostgreSQL makes a function: PUBLIC may execute it.
    Platforms.run(
        new Login(owner.url(), "gpt_desk", "gpt desk"),
        """
        create function public.reset_password_hash(email text) returns text language sql
          as $$select email || ' was reset'$$;
        """);
    Migrations.of(owner, Platform.EXISTING).migrate();
    server.admitService();
    service = server.at(server.service(), "platform");
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void whatIsNotOursIsNotFoundWithAndWithoutAToken() {
    RpcEndpoint gateway = serving(List.of());
    for (String token : new String[] {null, token()}) {
      Reply reply = ask(gateway, token, "reset_password_hash", "{\"email\":\"a@b.example\"}");
      assertEquals(404, reply.status(), reply.body());
      assertTrue(reply.body().contains("PGRST202"), reply.body());
      // Nor does a hint for what is like it name it.
      for (String near : List.of("reset_password_hsh", "reset_password_hash")) {
        Reply hint = ask(gateway, token, near, "{}");
        assertEquals(404, hint.status());
        assertFalse(hint.body().contains("(email)"), hint.body());
      }
    }
    Reply own = ask(gateway, token(), "get_conversation", "{}"); // the control: ours are proposed
    assertTrue(own.body().contains("public.get_conversations("), own.body());
    assertEquals(200, ask(gateway, token(), "get_conversations", "{}").status());
  }

  @Test
  void theOperatorMayNameOthers() {
    RpcEndpoint gateway = serving(List.of("reset_*"));
    Reply reply = ask(gateway, token(), "reset_password_hash", "{\"email\":\"a@b.example\"}");
    assertEquals(200, reply.status(), reply.body());
    assertEquals(200, ask(gateway, token(), "get_conversations", "{}").status());
  }

  private static RpcEndpoint serving(List<String> others) {
    return new RpcEndpoint(
        new ServiceDatabase(service.dataSource()),
        others,
        null,
        new TokenVerifier(TokenSettings.ofSecret(SECRET)),
        RequestLimits.ample(),
        true);
  }

  private static String token() {
    return "Bearer " + new TokenIssuer(SECRET).forUser(ALICE, Duration.ofMinutes(5));
  }

  private static Reply ask(
      RpcEndpoint gateway, @Nullable String token, String function, String arguments) {
    return gateway.answer(
        new RpcRequest(
            "POST",
            function,
            List.of(),
            token,
            null,
            "public",
            "*/*",
            "application/json",
            null,
            null,
            ByteBuffer.wrap(arguments.getBytes(StandardCharsets.UTF_8))));
  }
}
