package com.gptdesk.chat.service.realtime.socket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.realtime.socket.RealtimeSettings.Times;
import com.gptdesk.chat.service.realtime.socket.SocketClient.Message;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** A channel whose token is renewed, is of another user, or ends. */
class ChannelAuthTest extends PlayedServer {

  @Test
  void aNewTokenOfTheSamePersonChangesNothing() {
    SocketClient client = client();
    client.joins("x", ALL, token(ALICE));
    sendsToken(client, "\"" + issuer.forUser(ALICE, Duration.ofHours(3)) + "\"");
    sendsToken(client, "null");
    sendsToken(client, "\"sb_publishable_x\"");
    client.hasHeardNothing(); // read in order: they are taken by now
    fanOut.changed(insert("hi", ALICE));
    assertEquals("hi", content(client.next()));
    assertEquals(1, audiencesRead.get());
  }

  @Test
  void aTokenOfAnotherPersonMeansTheRightsOfThatOne() {
    SocketClient client = client();
    client.joins("x", ALL, token(ALICE));
    sendsToken(client, "\"" + token(MALLORY) + "\"");
    client.hasHeardNothing(); // read in order: the token is taken by now
    fanOut.changed(insert("to Alice", ALICE));
    fanOut.changed(insert("to Mallory", MALLORY));
    assertEquals("to Mallory", content(client.next()));
  }

  @Test
  void aTokenOfAnotherPersonInTheMiddleOfAJoinMeansTheRightsOfThatOne() {
    SocketClient client = client();
    whileAudiencesAreRead =
        () -> {
          whileAudiencesAreRead = () -> {};
          sendsToken(client, "\"" + token(MALLORY) + "\"");
        };
    client.joins("x", ALL, token(ALICE));
    client.hasHeardNothing(); // read in order: the token is taken by now
    fanOut.changed(insert("to Alice", ALICE));
    fanOut.changed(insert("to Mallory", MALLORY));
    assertEquals("to Mallory", content(client.next()));
  }

  @Test
  void aTokenWithoutANameEndsTheChannelSoThatItIsJoinedAgain() {
    SocketClient client = client();
    client.joins("x", ALL, token(ALICE));
    sendsToken(client, "\"" + issuer.anonKey() + "\"");
    assertTrue(
        client.next("system").payload().path("message").asString().startsWith("Unauthorized: "));
    assertEquals("1", client.next("phx_error").ref());
    fanOut.changed(insert("hi", ALICE));
    client.hasHeardNothing();
  }

  @Test
  void aTokenThatDoesNotHoldEndsTheChannel() {
    SocketClient client = client();
    client.joins("x", ALL, token(ALICE));
    sendsToken(client, "\"" + expired(ALICE) + "\"");
    assertTrue(
        client.next("system").payload().path("message").asString().startsWith("InvalidJWTToken"));
    client.next("phx_error");
  }

  @Test
  void whenATokenEndsItsChannelsAreJoinedAgainAndOthersStay() throws Exception {
    serve(Patient.settings().with(new Times(Duration.ofHours(1), Duration.ZERO)));
    SocketClient client = client();
    client.joins("y", ALL, token(ALICE));
    // The verifier lets it in for half a minute more, so it ends after the join in any case.
    client.joins("x", ALL, issuer.forUser(ALICE, Duration.ZERO));

    Message system = client.next("system");
    assertEquals("realtime:x", system.topic());
    assertTrue(
        system.payload().path("message").asString().contains("Token has expired"),
        system::toString);
    assertEquals("realtime:x", client.next("phx_error").topic());
    fanOut.changed(insert("hi", ALICE));
    assertEquals("realtime:y hi", topicAndContent(client.next()));
  }

  private static void sendsToken(SocketClient client, String token) {
    client.says("1", "realtime:x", "access_token", "{\"access_token\":" + token + "}");
  }
}
