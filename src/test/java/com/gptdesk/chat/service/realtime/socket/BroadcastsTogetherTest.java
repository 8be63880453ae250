package com.gptdesk.chat.service.realtime.socket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.service.realtime.channel.Broadcast;
import com.gptdesk.chat.service.realtime.socket.SocketClient.Message;
import com.gptdesk.chat.testing.Await;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a client says in a burst is written together. */
class BroadcastsTogetherTest extends PlayedServer {
  private static final String ACK =
      "{\"broadcast\":{\"ack\":true},\"presence\":{\"enabled\":false}}";

  private final List<String> commits = new CopyOnWriteArrayList<>();
  private final CountDownLatch isHeld = new CountDownLatch(1);
  private final CountDownLatch mayGo = new CountDownLatch(1);
  private SocketClient client;

  @BeforeEach
  void holdTheFirst() {
    whoMayUse = () -> List.of(ALICE);
    sends =
        broadcasts -> {
          String events =
              broadcasts.stream().map(Broadcast::event).collect(Collectors.joining(" "));
          commits.add(events);
          if (events.equals("held")) {
            isHeld.countDown();
            Await.open(mayGo);
          }
          if (events.contains("refused")) {
            throw new Refusal("PT400", "no", null, null, null);
          }
          if (events.contains("lost")) {
            throw new DatabaseUnavailable("away", new SQLException("away", "08006"));
          }
        };
    client = client();
    client.asksToJoinWith(TALK_TOPIC, ACK, token(ALICE));
    answers("ok");
    says("held");
    Await.open(isHeld);
  }

  @Test
  void whatComesMeanwhileGoesInOneCommitInOrder() {
    burst("1", "2", "3");
    answers("ok", "ok", "ok", "ok");
    assertEquals(List.of("held", "1 2 3"), commits);
  }

  @Test
  void aBadOneFailsAlone() {
    burst("1", "refused", "3");
    answers("ok", "ok", "error", "ok");
    assertEquals(List.of("held", "1 refused 3", "1", "refused", "3"), commits);
  }

  @Test
  void whatMayHaveBeenSentIsNotSentAgain() {
    burst("1", "lost", "3");
    answers("ok", "error", "error", "error");
    assertEquals(List.of("held", "1 lost 3"), commits);
  }

  @Test
  void anyOtherMessageWaitsForThemAndSoDoesWhatFollowsIt() {
    says("1");
    client.says(
        "1", "realtime:" + TALK_TOPIC, "presence", "{\"type\":\"presence\",\"event\":\"dance\"}");
    says("2");
    mayGo.countDown();
    answers("ok", "ok");
    Message refusal = client.nextOn("realtime:" + TALK_TOPIC, "phx_reply");
    assertTrue(refusal.reason().startsWith("UnknownPresenceEvent"), refusal.reason());
    answers("ok");
    assertEquals(List.of("held", "1", "2"), commits);
  }

  /** A client's memory of the server is bounded. */
  @Test
  void onlySoManyWait() {
    String[] many = new String[150];
    for (int i = 0; i < many.length; i++) {
      many[i] = "e" + i;
      says(many[i]);
    }
    mayGo.countDown();
    String[] all = new String[many.length + 1];
    Arrays.fill(all, "ok");
    answers(all);
    assertEquals("held " + String.join(" ", many), String.join(" ", commits));
    assertTrue(
        commits.stream().allMatch(commit -> commit.split(" ", -1).length <= 100),
        commits::toString);
  }

  /** A heartbeat after them shows that they have come. */
  private void burst(String... events) {
    for (String event : events) {
      says(event);
    }
    client.says(null, "phoenix", "heartbeat", "{}");
    client.nextOn("phoenix", "phx_reply");
    mayGo.countDown();
  }

  private void says(String event) {
    client.says(
        "1",
        "realtime:" + TALK_TOPIC,
        "broadcast",
        "{\"type\":\"broadcast\",\"event\":\"" + event + "\",\"payload\":{}}");
  }

  private void answers(String... statuses) {
    for (String status : statuses) {
      assertEquals(status, client.nextOn("realtime:" + TALK_TOPIC, "phx_reply").status());
    }
  }
}
