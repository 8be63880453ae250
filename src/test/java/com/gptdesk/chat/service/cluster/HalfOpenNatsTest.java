package com.gptdesk.chat.service.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.relay.Audience;
import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.RelaySettings;
import com.gptdesk.chat.relay.Subscriber;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.FreezingProxy;
import com.gptdesk.chat.testing.NatsServer;
import com.gptdesk.chat.testing.NodeChanges;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A node whose connection to NATS is half open notices it by itself: no FIN and no RST comes.
 * Readiness is red and the metric 0 until it is connected anew, and nobody is left behind.
 */
class HalfOpenNatsTest {
  private final NatsServer server = NatsServer.shared();

  /** Never asked, so that no slow machine loses it. */
  private final NatsSettings direct = server.settings().withPing(Duration.ofHours(1));

  private FreezingProxy proxy;
  private NatsSettings proxied;
  private TestDatabase database;
  private Person alice;
  private UUID conversation;

  @BeforeEach
  void twoPeopleTalk() {
    URI url = URI.create(server.url());
    proxy = FreezingProxy.to(url);
    proxied =
        NatsSettings.of(proxy.through(url), null, direct.subject())
            .withPing(Duration.ofMillis(100));
    database = TestDatabase.fresh();
    alice = database.alice();
    conversation = alice.talksTo(database.bob());
  }

  @AfterEach
  void close() throws IOException {
    proxy.close();
    database.close();
  }

  /** The node leads no one: it only receives. */
  @Test
  void aNodeThatReceivesNoticesAndCatchesUp() {
    try (NodeChanges leader = node(direct);
        NodeChanges node = node(proxied)) {
      assertTrue(leader.relay().isLeading());
      Received bob = subscribed(node);
      alice.sends(conversation, "before");
      bob.awaits("before");

      freezes(node, leader);
      Received witness = subscribed(leader);
      alice.sends(conversation, "while nothing arrives");
      witness.awaits("while nothing arrives"); // published later it would come after the resync
      proxy.admitNew();

      bob.awaits("resync");
      Await.until("readiness is green", node::isUpToDate);
      assertTrue(node.cluster().isConnected());
      assertEquals(1, node.cluster().reconnects());
      alice.sends(conversation, "after");
      bob.awaits("after");
      assertEquals(List.of("before", "resync", "after"), bob.received);
    }
  }

  /** The leader is the one that nobody hears any more. */
  @Test
  void aLeaderNoticesAndTheOthersHearWhoeverLeadsNext() {
    try (NodeChanges leader = node(proxied);
        NodeChanges other = node(direct)) {
      assertTrue(leader.relay().isLeading());
      Received bob = subscribed(other);
      alice.sends(conversation, "before");
      bob.awaits("before");

      freezes(leader, other);
      alice.sends(conversation, "while nobody publishes");
      proxy.admitNew();

      bob.awaits("resync");
      Await.until("readiness is green", () -> leader.isUpToDate() && other.isUpToDate());
      alice.sends(conversation, "after");
      bob.awaits("after");
    }
  }

  /** By its own settings it has noticed, and is red, within 5 s. */
  @Test
  void asItIsSetASilenceIsNoticedWithinFiveSeconds() {
    Duration ping = NatsSettings.of(server.url(), null, "any").ping();
    assertTrue(ping.multipliedBy(3).compareTo(Duration.ofSeconds(5)) < 0, ping.toString());
  }

  private void freezes(NodeChanges node, NodeChanges other) {
    proxy.holdNew();
    proxy.freezeAll();
    // Nothing is sent: only the pings can have noticed it.
    Await.until("the metric is 0", () -> !node.cluster().isConnected());
    Await.until(
        "readiness is red", () -> "NATS cannot be reached".equals(node.cluster().problem()));
    assertTrue(other.cluster().isConnected());
  }

  private NodeChanges node(NatsSettings nats) {
    var login = database.service();
    return new NodeChanges(RelaySettings.of(login.url(), login.user(), login.password()), nats)
        .start();
  }

  private Received subscribed(NodeChanges node) {
    var received = new Received();
    List<Audience> audiences = List.of(Audience.user(database.bob().id()));
    node.fanOut().add(received, audiences);
    node.fanOut().awaitSubscribed(audiences);
    return received;
  }

  /** The messages' texts, in order. */
  private static final class Received implements Subscriber {
    final List<String> received = new CopyOnWriteArrayList<>();

    @Override
    public void changed(Change change) {
      Stream.of("before", "after", "while nothing arrives", "while nobody publishes")
          .filter(text -> change.table().equals("user_messages"))
          .filter(text -> String.valueOf(change.record()).contains('"' + text + '"'))
          .forEach(received::add);
    }

    @Override
    public void resync(String reason) {
      received.add("resync");
    }

    void awaits(String what) {
      Await.until(what, () -> received.contains(what));
    }
  }
}
