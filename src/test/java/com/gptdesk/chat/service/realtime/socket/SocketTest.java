package com.gptdesk.chat.service.realtime.socket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.realtime.socket.RealtimeSettings.Times;
import com.gptdesk.chat.service.realtime.socket.SocketClient.Message;
import com.gptdesk.chat.testing.Await;
import java.net.URI;
import java.net.http.WebSocket;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What a socket answers, drops, and is closed for. */
class SocketTest extends PlayedServer {

  @Test
  void leavingIsAnsweredAndThenClosed() {
    SocketClient client = client();
    client.joins("x", ALL, token(ALICE));
    String ref = client.says("1", "realtime:x", "phx_leave", "{}");
    Message reply = client.next("phx_reply");
    assertEquals(ref, reply.ref());
    assertEquals("ok", reply.status());
    assertEquals("1", client.next("phx_close").ref());
    assertEquals(0, fanOut.size());
    fanOut.changed(insert("hi", ALICE));
    client.hasHeardNothing();

    client.says("1", "realtime:x", "phx_leave", "{}");
    assertEquals("ok", client.next("phx_reply").status());
  }

  /** Two objects of a client for one topic: the one left behind says good-bye late. */
  @Test
  void whoLeavesAChannelOfBeforeDoesNotEndTheOneOfNow() {
    SocketClient client = client();
    client.joins("x", ALL, token(ALICE));
    client.joins("y", ALL, token(ALICE));
    String joinRef = client.asksToJoin("x", ALL, token(ALICE));
    assertEquals("1", client.next("phx_close").ref());
    assertEquals(joinRef, client.next("phx_reply").joinRef());
    client.next("system");

    client.says("1", "realtime:x", "phx_leave", "{}");
    assertEquals("ok", client.next("phx_reply").status());
    fanOut.changed(insert("hi", ALICE));
    assertEquals("realtime:y hi", topicAndContent(client.next()));
    assertEquals("realtime:x hi", topicAndContent(client.next()));

    client.says(joinRef, "realtime:x", "phx_leave", "{}");
    assertEquals("ok", client.next("phx_reply").status());
    assertEquals(joinRef, client.next("phx_close").ref());
  }

  @Test
  void broadcastAndPresenceAreRefusedWhereNobodyMayUseThem() {
    SocketClient client = client();
    client.joins("x", ALL, token(ALICE));
    client.says(
        "1", "realtime:x", "broadcast", "{\"type\":\"broadcast\",\"event\":\"e\",\"payload\":{}}");
    Message refusal = client.next("phx_reply");
    assertEquals("error", refusal.status());
    assertTrue(refusal.reason().startsWith("Unauthorized: "), refusal.reason());
    assertEquals("error", client.next("system").status());

    client.says(
        "1",
        "realtime:x",
        "presence",
        "{\"type\":\"presence\",\"event\":\"track\",\"payload\":{}}");
    assertTrue(client.next("phx_reply").reason().startsWith("Unauthorized: "));
    fanOut.changed(insert("still there", ALICE));
    client.next("postgres_changes");
  }

  @Test
  void aTopicThatIsNotJoinedIsUnmatched() {
    SocketClient client = client();
    client.says("1", "realtime:x", "access_token", "{\"access_token\":\"x\"}");
    assertEquals("unmatched topic", client.next("phx_reply").reason());
  }

  @Test
  void nonsenseIsDroppedAndTheSocketStaysOpen() {
    SocketClient client = client();
    client.says("nonsense");
    client.says("[1]");
    client.saysBytes(new byte[] {9, 9});
    client.saysBytes(new byte[0]);
    client.hasHeardNothing();
    assertEquals(4, server.metrics().malformedFrames());
  }

  @Test
  void versionOneSpeaksObjects() throws Exception {
    var answers = new LinkedBlockingQueue<String>();
    var socket =
        http.newWebSocketBuilder()
            .buildAsync(
                URI.create(
                    "ws://127.0.0.1:" + port + "/realtime/v1/websocket?apikey=" + issuer.anonKey()),
                new WebSocket.Listener() {
                  @Override
                  public @Nullable CompletionStage<?> onText(
                      WebSocket webSocket, CharSequence data, boolean last) {
                    webSocket.request(1);
                    answers.add(data.toString());
                    return null;
                  }
                })
            .join();
    socket
        .sendText(
            "{\"topic\":\"phoenix\",\"event\":\"heartbeat\",\"payload\":{},\"ref\":\"1\"}", true)
        .join();
    assertEquals(
        "{\"topic\":\"phoenix\",\"event\":\"phx_reply\",\"payload\":{\"status\":\"ok\",\"response\":{}},\"ref\":\"1\"}",
        Await.next("an answer", answers));
    socket.abort();
  }

  @Test
  void aSilentSocketIsClosed() throws Exception {
    serve(Patient.settings().with(new Times(Duration.ofMillis(300), Duration.ZERO)));
    assertEquals(1000, client().closeCode());
    Await.until("it is forgotten", () -> server.connections() == 0);
  }

  @Test
  void aFrameThatIsTooLongClosesItsSocketOnly() throws Exception {
    SocketClient other = client();
    SocketClient client = client();
    other.hasHeardNothing(); // both are known by now
    client.hasHeardNothing();
    try {
      client.says("x".repeat(2 * 1024 * 1024));
    } catch (RuntimeException e) {
      assertTrue(String.valueOf(e.getMessage()).length() > 0); // closed while it was sending
    }
    Await.until("it is forgotten", () -> server.connections() == 1);
    other.hasHeardNothing();
  }
}
