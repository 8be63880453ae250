package com.gptdesk.chat.service.realtime.socket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.relay.Audience;
import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.Change.Operation;
import com.gptdesk.chat.service.realtime.socket.SocketClient.Message;
import com.gptdesk.chat.testing.Await;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** The rights of who listens, read anew when they change. */
class UserFeedsTest extends PlayedServer {

  @Test
  void whoIsDeactivatedHearsNothingFromThereOn() {
    SocketClient client = client();
    client.joins("x", ALL, token(BOB));
    client.joins("y", ALL, token(BOB));
    fanOut.changed(insert("while active", BOB));
    audiences.remove(BOB);
    fanOut.changed(control(BOB));
    fanOut.changed(insert("no more", BOB));

    assertEquals("while active", content(client.next()));
    assertEquals("while active", content(client.next()));
    for (int i = 0; i < 2; i++) {
      Message system = client.next("system");
      assertEquals("error", system.status());
      assertEquals(system.joinRef(), client.next("phx_close").joinRef());
    }
    client.hasHeardNothing();
    assertEquals(0, fanOut.size());
  }

  @Test
  void whoMovesToAnotherTeamHearsThatOneAndIsToldToReadAnew() {
    SocketClient client = client();
    client.joins("x", ALL, token(BOB));
    audiences.put(BOB, List.of(Audience.user(BOB), RED));
    fanOut.changed(control(BOB));
    fanOut.changed(insert("to the old team", BLUE));
    fanOut.changed(insert("to Bob", BOB));

    assertEquals("resync", client.next("system").status());
    assertEquals("to Bob", content(client.next()));
    fanOut.changed(insert("to the old team", BLUE));
    fanOut.changed(insert("to the new team", RED));
    assertEquals("to the new team", content(client.next()));
  }

  /** Nobody knows what is in a stretch that was missed: it may be the end of somebody's rights. */
  @Test
  void whoseRightsEndedInAMissedStretchHearsNothingFromThereOn() {
    SocketClient client = client();
    client.joins("x", ALL, token(BOB));
    SocketClient other = client();
    other.joins("x", ALL, token(ALICE));
    audiences.remove(BOB);
    fanOut.resync("Changes were missed.");
    fanOut.changed(insert("after", ALICE, BOB));

    assertEquals("error", client.next("system").status());
    client.next("phx_close");
    client.hasHeardNothing();
    assertEquals("resync", other.next("system").status()); // the control
    assertEquals("after", content(other.next()));
  }

  @Test
  void aControlRowThatChangesNothingForThePersonIsNotNoticed() {
    SocketClient client = client();
    client.joins("x", ALL, token(BOB));
    fanOut.changed(control(BOB));
    fanOut.changed(insert("to Bob", BOB));
    assertEquals("to Bob", content(client.next()));
    assertEquals(2, audiencesRead.get());
  }

  /** The control row comes while the join reads what the person may hear. */
  @Test
  void aChangeOfRightsDuringAJoinIsNotLost() {
    SocketClient client = client();
    whileAudiencesAreRead =
        () -> {
          whileAudiencesAreRead = () -> {};
          audiences.remove(BOB);
          fanOut.changed(control(BOB));
          fanOut.changed(insert("not for Bob any more", BOB));
        };
    client.asksToJoin("x", ALL, token(BOB));

    assertEquals("ok", client.next("phx_reply").status());
    client.next("system");
    assertEquals("error", client.next("system").status());
    client.next("phx_close");
    client.hasHeardNothing();
  }

  @Test
  void whatComesWhileAJoinReadsRightsIsToldAfterItsAnswer() {
    SocketClient client = client();
    whileAudiencesAreRead = () -> fanOut.changed(insert("early", BOB));
    client.joins("x", ALL, token(BOB));
    assertEquals("early", content(client.next()));
  }

  /** What comes by NATS comes only to who has asked for it, which takes a while. */
  @Test
  void nobodyIsLetInBeforeItsChangesAreHeard() {
    SocketClient client = client();
    var heard = new CountDownLatch(1);
    whileAudiencesAreAwaited =
        () -> {
          if (awaited.size() == 2) {
            Await.open(heard);
          }
        };
    String joinRef = client.asksToJoin("x", ALL, token(BOB));
    Await.until("the team's changes to be awaited", () -> awaited.size() == 2);
    assertEquals(List.of("1 after 0 questions", "2 after 1 questions"), awaited);
    fanOut.changed(insert("early", BOB)); // heard, and not told before the answer
    heard.countDown();
    assertEquals("ok", client.answerTo(joinRef).status());
    assertEquals("ok", client.next("system").status());
    assertEquals("early", content(client.next()));
  }

  /** Nobody knows what it would miss. */
  @Test
  void whoseChangesCannotBeHeardIsAskedToComeBack() {
    SocketClient client = client();
    whileAudiencesAreAwaited =
        () -> {
          throw new IllegalStateException("no leader");
        };
    String joinRef = client.asksToJoin("x", ALL, token(BOB));
    assertTrue(client.answerTo(joinRef).reason().startsWith("UnableToConnectToProject: "));
    assertEquals(0, fanOut.size());
  }

  /** It was there when the join asked who may use it. */
  @Test
  void aConversationDeletedDuringAJoinIsNotJoined() {
    SocketClient client = client();
    client.joins("x", MESSAGES, token(ALICE)); // her rights are known
    whoMayUse = this::foundAndThenDeleted;
    String joinRef = client.asksToJoin(TALK_TOPIC, "[]", token(ALICE));
    assertTrue(client.answerTo(joinRef).reason().startsWith("Unauthorized: "));
    client.says(joinRef, "realtime:" + TALK_TOPIC, "broadcast", "{}");
    assertEquals("unmatched topic", client.next("phx_reply").reason());

    whoMayUse = () -> List.of(ALICE, BOB); // the control
    client.joins(TALK_TOPIC, "[]", token(ALICE));
  }

  /** Nothing of hers is heard on this socket before the join itself. */
  @Test
  void aConversationDeletedDuringAFirstJoinIsClosed() {
    SocketClient client = client();
    var deleted = new CountDownLatch(1);
    whileAudiencesAreRead = () -> Await.open(deleted);
    whoMayUse =
        () -> {
          List<UUID> found = foundAndThenDeleted();
          deleted.countDown();
          return found;
        };
    String joinRef = client.asksToJoin(TALK_TOPIC, "[]", token(ALICE));
    if (client.answerTo(joinRef).status().equals("ok")) { // It was let in just before it heard.
      assertEquals("error", client.next("system").status());
      client.next("phx_close");
    }
    client.hasHeardNothing();
    Await.until("nobody hears", () -> fanOut.size() == 0);
  }

  @Test
  void aConversationDeletedDuringAChangeOfTokenEndsItsChannel() {
    SocketClient client = client();
    whoMayUse = () -> List.of(ALICE, BOB);
    client.joins(TALK_TOPIC, "[]", token(ALICE));
    client.joins("x", MESSAGES, token(BOB)); // his rights are known
    whoMayUse = this::foundAndThenDeleted;
    client.says(
        "1", "realtime:" + TALK_TOPIC, "access_token", "{\"access_token\":\"" + token(BOB) + "\"}");
    assertEquals("error", client.next("system").status());
    client.next("phx_error");
    client.hasHeardNothing();
  }

  @Test
  void whenRightsCannotBeReadTheClientIsAskedToComeBack() {
    SocketClient client = client();
    client.joins("x", ALL, token(BOB));
    whileAudiencesAreRead =
        () -> {
          whileAudiencesAreRead = () -> {};
          throw new IllegalStateException("no database");
        };
    fanOut.changed(control(BOB));
    assertEquals("error", client.next("system").status());
    client.next("phx_error");
    client.joins("x", ALL, token(BOB));
  }

  private List<UUID> foundAndThenDeleted() {
    fanOut.changed(
        new Change(
            ++seq,
            "user_conversations",
            Operation.DELETE,
            Instant.now(),
            people(ALICE, BOB),
            null,
            "{\"id\":\"" + TALK + "\"}"));
    return List.of(ALICE, BOB);
  }
}
