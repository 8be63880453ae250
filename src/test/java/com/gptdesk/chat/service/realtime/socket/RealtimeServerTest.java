package com.gptdesk.chat.service.realtime.socket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.realtime.socket.RealtimeSettings.SocketLimits;
import com.gptdesk.chat.service.realtime.socket.SocketClient.Message;
import com.gptdesk.chat.testing.Await;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import org.junit.jupiter.api.Test;

/** The upgrade of a request, the limits of a node, and its end. */
class RealtimeServerTest extends PlayedServer {

  @Test
  void anUpgradeNeedsAKeyThatHolds() throws Exception {
    assertEquals(401, upgrade("/realtime/v1/websocket").status());
    Answer forged = upgrade("/realtime/v1/websocket?apikey=a.b.c");
    assertEquals(401, forged.status());
    assertTrue(forged.body().startsWith("{\"error\":\""), forged.body());
    assertEquals(401, upgrade("/socket/websocket?apikey=" + expired(ALICE)).status());
    assertEquals(
        400, upgrade("/realtime/v1/websocket?vsn=3.0.0&apikey=" + issuer.anonKey()).status());
    assertEquals(101, upgrade("/socket/websocket?apikey=" + issuer.anonKey()).status());
    assertEquals(101, upgrade("/realtime/v1/websocket?apikey=sb_publishable_x").status());
  }

  @Test
  void aPlainRequestIsToldWhatThisIs() throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/realtime/v1/websocket"))
            .build();
    assertEquals(426, http.send(request, BodyHandlers.ofString()).statusCode());
  }

  @Test
  void limitsAreAnsweredWithAReason() throws Exception {
    serve(Patient.settings().with(new SocketLimits(3, 1, 2, 2)), Patient::frozen);
    SocketClient client = client();
    client.joins("a", ALL, token(ALICE));
    client.joins("b", ALL, token(ALICE));
    client.asksToJoin("c", ALL, token(ALICE));
    assertTrue(client.next("phx_reply").reason().startsWith("ChannelRateLimitReached: "));

    SocketClient second = client();
    second.asksToJoin("a", ALL, token(ALICE));
    assertTrue(second.next("phx_reply").reason().startsWith("ConnectionRateLimitReached: "));
    second.joins("a", ALL, token(BOB));

    SocketClient third = client();
    for (int i = 0; i < 50; i++) {
      third.asksToJoin("x", "[]", null);
    }
    Message answer = third.next();
    while (!answer.reason().startsWith("ClientJoinRateLimitReached: ")) {
      answer = third.next(); // the first few are let in
    }

    assertEquals(429, upgrade("/realtime/v1/websocket?apikey=" + issuer.anonKey()).status());
    client.close();
    Await.until("its place is free", () -> server.connections() == 2);
    second.joins("b", ALL, token(ALICE));
  }

  @Test
  void switchedOffItSaysSo() throws Exception {
    serve(Patient.settings().withEnabled(false));
    SocketClient client = client();
    client.asksToJoin("x", "[]", token(ALICE));
    assertTrue(client.next("phx_reply").reason().contains("switched off"));
  }

  @Test
  void closingSendsClientsElsewhere() throws Exception {
    SocketClient client = client();
    client.joins("x", ALL, token(ALICE));
    server.close();
    assertEquals(1012, client.closeCode());
    Await.until("nobody listens", () -> fanOut.size() == 0 && server.people() == 0);
    assertEquals(503, upgrade("/realtime/v1/websocket?apikey=" + issuer.anonKey()).status());
  }

  @Test
  void aSocketThatIsGoneLeavesNothingBehind() {
    SocketClient client = client();
    client.joins("x", ALL, token(ALICE));
    assertEquals(1, fanOut.size());
    assertEquals(1, server.people());
    client.close();
    Await.until("it is forgotten", () -> server.connections() == 0);
    assertEquals(0, fanOut.size());
    assertEquals(0, server.people());
  }

  /** An HTTP answer: its status and what came with it. */
  private record Answer(int status, String body) {}

  private Answer upgrade(String pathAndQuery) throws Exception {
    // The JDK's client may not say "Upgrade", so this one is written by hand.
    try (Socket socket = new Socket("127.0.0.1", port)) {
      askToUpgrade(socket, pathAndQuery);
      String head = readAnswer(socket);
      return new Answer(
          Integer.parseInt(head.substring(9, 12)), head.substring(head.indexOf("\r\n\r\n") + 4));
    }
  }
}
