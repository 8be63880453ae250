package com.gptdesk.chat.service.realtime.socket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.realtime.protocol.Json;
import com.gptdesk.chat.service.realtime.socket.SocketClient.Message;
import com.gptdesk.chat.testing.Await;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** A join: who is let in, and what is answered. */
class JoinChannelTest extends PlayedServer {

  @Test
  void bindingsAreEchoedAsTheyCameWithIds() {
    String bindings =
        """
        [{"event":"INSERT","schema":"public","table":"user_messages","filter":"conversation_id=eq.x"},
         {"event":"*","schema":"public"},
         {"event":"UPDATE","schema":"public","table":"user_messages","select":["id"],"since":7},
         {"event":"*","schema":"public"},
         {"event":"*","schema":"*","table":"*"}]""";
    Message reply = client().joins("x", bindings, token(ALICE));

    JsonNode echo = reply.payload().path("response").path("postgres_changes");
    JsonNode sent = Json.read(bindings);
    assertEquals(sent.size(), echo.size());
    for (int i = 0; i < sent.size(); i++) {
      JsonNode id = echo.get(i).get("id");
      assertTrue(id.isInt() && id.intValue() > 0, echo::toString);
      assertEquals(sent.get(i).toString(), echo.get(i).toString().replace(",\"id\":" + id, ""));
    }
    assertEquals(echo.get(1).get("id"), echo.get(3).get("id"));
    assertNotEquals(echo.get(1).get("id"), echo.get(4).get("id"));
  }

  @Test
  void aJoinWithoutBindingsIsAnsweredWithAnEmptyListEvenForAnon() {
    Message reply = client().joins("x", "[]", null);
    assertEquals("{\"postgres_changes\":[]}", reply.payload().path("response").toString());
  }

  @Test
  void whatIsAskedOfBroadcastsIsAnswered() {
    whoMayUse = () -> List.of(ALICE);
    SocketClient client = client();
    client.asksToJoinWith(
        TALK_TOPIC,
        "{\"broadcast\":{\"replay\":{\"since\":1,\"limit\":5},\"replication_ready\":true},\"private\":true,\"presence\":{\"enabled\":false}}",
        token(ALICE));
    assertEquals("ok", client.next("phx_reply").status());
    JsonNode replay = client.next("system").payload();
    assertEquals("broadcast error", said(replay));
    assertTrue(
        replay.path("message").asString().startsWith("UnableToReplayMessages: "), replay::toString);
    JsonNode ready = client.next("system").payload();
    assertEquals("system ok", said(ready));
    assertEquals("Replication connection established", ready.path("message").asString());

    client.joinsWith("user-" + ALICE, "{\"presence\":{\"enabled\":false}}", token(ALICE));
    client.hasHeardNothing(); // the control: nothing was asked

    client.joinsWith("x", "{\"broadcast\":{\"replication_ready\":true}}", token(ALICE));
    JsonNode never = client.next("system").payload();
    assertEquals("system error", said(never));
    assertEquals("A channel of this name receives no broadcasts", never.path("message").asString());
  }

  private static String said(JsonNode notice) {
    return notice.path("extension").asString() + " " + notice.path("status").asString();
  }

  @Test
  void whoHasNoNameIsRefusedAndThenLetInWithAToken() {
    SocketClient client = client();
    client.asksToJoin("x", ALL, null);
    Message refusal = client.next("phx_reply");
    assertEquals("error", refusal.status());
    assertTrue(refusal.reason().startsWith("Unauthorized: "), refusal.reason());

    client.asksToJoin("x", ALL, "sb_publishable_x");
    assertTrue(client.next("phx_reply").reason().startsWith("Unauthorized: "));

    client.joins("x", ALL, token(ALICE));
  }

  @Test
  void theKeyOfTheSocketMayBeTheTokenOfAUser() {
    SocketClient client = client(token(ALICE));
    client.joins("x", ALL, null);
    fanOut.changed(insert("hi", ALICE));
    client.next("postgres_changes");
  }

  @Test
  void whoMayNotUseTheChatIsRefused() {
    audiences.remove(BOB);
    SocketClient client = client();
    client.asksToJoin("x", ALL, token(BOB));
    assertEquals("Unauthorized: this user may not use the chat", client.next("phx_reply").reason());
    Await.until("nobody listens", () -> fanOut.size() == 0);
  }

  @Test
  void anExpiredTokenIsRefused() {
    SocketClient client = client();
    client.asksToJoin("x", ALL, "nonsense");
    assertTrue(client.next("phx_reply").reason().startsWith("MalformedJWT: "));
    client.asksToJoin("x", ALL, expired(ALICE));
    assertTrue(client.next("phx_reply").reason().startsWith("InvalidJWTToken: "));
  }

  /** Its client connects again with a new one; one that has no other is refused from then on. */
  @Test
  void aTokenThatHasEndedClosesTheSocketOnce() throws Exception {
    String ended = expired(ALICE);
    SocketClient woken = client();
    woken.asksToJoin("x", ALL, ended);
    assertEquals(1008, woken.closeCode());

    SocketClient again = client();
    again.asksToJoin("x", ALL, ended);
    assertTrue(again.next("phx_reply").reason().startsWith("InvalidJWTToken: "));
    again.joins("x", ALL, token(ALICE));
  }

  @Test
  void aTokenThatHasEndedLeavesOtherChannelsAlone() {
    SocketClient client = client();
    client.joins("x", ALL, token(ALICE));
    client.asksToJoin("y", ALL, expired(ALICE));
    assertTrue(client.next("phx_reply").reason().startsWith("InvalidJWTToken: "));
    fanOut.changed(insert("hi", ALICE));
    client.next("postgres_changes");
  }

  @Test
  void joiningATopicAgainClosesTheOldChannel() {
    SocketClient client = client();
    client.joins("x", ALL, token(ALICE));
    String second = client.asksToJoin("x", ALL, token(ALICE));

    Message close = client.next("phx_close");
    assertEquals("1", close.joinRef());
    assertEquals("1", close.ref());
    assertEquals(second, client.next("phx_reply").ref());
    client.next("system");
    fanOut.changed(insert("once", ALICE));
    client.next("postgres_changes");
    client.hasHeardNothing();
  }

  @Test
  void aTopicNeedsItsPrefixAndAName() {
    SocketClient client = client();
    client.says("1", "x", "phx_join", "{}");
    assertEquals("unmatched topic", client.next("phx_reply").reason());
    client.says("1", "realtime:", "phx_join", "{}");
    assertTrue(client.next("phx_reply").reason().startsWith("TopicNameRequired"));
  }

  @Test
  void aWishThatCannotBeFulfilledIsSaidAndTheOthersAreHeard() {
    SocketClient client = client();
    client.asksToJoin(
        "x",
        """
        [{"event":"*","schema":"public","table":"user_messages","filter":"colour=eq.red"},
         {"event":"*","schema":"public","table":"secrets"},
         {"event":"*","schema":"public","table":"user_messages"}]""",
        token(ALICE));
    assertEquals("ok", client.next("phx_reply").status());
    for (String part :
        List.of("has no column \\\"colour\\\"", "\\\"secrets\\\" is not published")) {
      Message system = client.next("system");
      assertEquals("error", system.status());
      assertTrue(system.payload().toString().contains(part), system::toString);
    }
    fanOut.changed(insert("hi", ALICE));
    assertEquals(1, client.next("postgres_changes").payload().path("ids").size());
  }
}
