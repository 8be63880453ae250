package com.gptdesk.chat.relay.proof;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.gptdesk.chat.relay.Audience;
import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.ChangeListener;
import com.gptdesk.chat.relay.Subscriber;
import com.gptdesk.chat.relay.proof.ProofDatabase.Talk;
import com.gptdesk.chat.service.cluster.NatsSettings;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.NatsServer;
import com.gptdesk.chat.testing.NodeChanges;
import com.gptdesk.chat.testing.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The same proofs by NATS: three nodes, of which one reads the log, and everything that can break
 * between them.
 */
@Tag("slow")
class ByNatsTest {
  private enum Fault {
    NATS_KILLED,
    LEADER_STOPPED,
    READERS_ENDED,
    LISTENERS_ENDED,
    NODE_SLOW,
    SERVER_STOPPED_AT_ONCE
  }

  /** Everything once, in order, at each of three nodes, while people come and go. */
  @Test
  void everyNodeIsToldEveryChangeOnceInOrder() throws Exception {
    try (NatsServer nats = new NatsServer();
        TestDatabase database = TestDatabase.fresh()) {
      ProofDatabase scene = ProofDatabase.of(database);
      List<Talk> talks = scene.talks(8);
      Set<Audience> audiences = audiences(talks);
      audiences.add(Audience.team(TestDatabase.BLUE));
      Ledger.witness(scene);
      NatsSettings settings = nats.settings();
      List<NodeChanges> nodes = new ArrayList<>();
      List<ReceivedChanges> received = new ArrayList<>();
      try (Traffic traffic = new Traffic(scene, talks, 8, Proof.SEED)) {
        for (int i = 0; i < 3; i++) {
          NodeChanges node = new NodeChanges(scene.relay(), settings).start();
          nodes.add(node);
          ReceivedChanges here = new ReceivedChanges();
          received.add(here);
          node.fanOut().add(as(here), audiences);
          node.fanOut().awaitSubscribed(audiences);
        }
        assertEquals(1, nodes.stream().filter(node -> node.relay().isLeading()).count());
        Random random = new Random(Proof.SEED);
        int joins = 0;
        try (NodeChanges other = new NodeChanges(scene.relay(), settings).start()) {
          while (joins < 20 * Proof.TIMES || received.getFirst().changes().size() < 300) {
            traffic.begin();
            for (int i = 0; i < 5; i++) {
              joins(scene, talks.get(random.nextInt(talks.size())), other, ++joins);
            }
            traffic.pause(); // so that the leader sleeps, too
            LockSupport.parkNanos(Duration.ofMillis(random.nextInt(200)).toNanos());
          }
        }
        traffic.fallSilent();
        for (Talk talk : talks) {
          scene.say(talk, "marker " + talk.id());
        }
        for (ReceivedChanges each : received) {
          talks.forEach(talk -> each.awaits("marker " + talk.id()));
        }

        Report report =
            new Report("By NATS, everything once (seed " + Proof.SEED + ")")
                .line("transactions committed", traffic.committed)
                .line("joined meanwhile", joins);
        for (int i = 0; i < 3; i++) {
          Ledger ledger = new Ledger(scene);
          ledger.check(received.get(i).changes());
          report.line(
              "node " + (i + 1),
              "told %d, lost %d, twice %d, out of order %d; gaps %d, resyncs %d"
                  .formatted(
                      received.get(i).changes().size(),
                      ledger.lost(),
                      ledger.twice(),
                      ledger.disordered(),
                      nodes.get(i).cluster().gaps(),
                      nodes.get(i).cluster().resyncs()));
          ledger.assertFlawless();
          assertEquals(List.of(), received.get(i).resyncs());
          assertEquals(0, nodes.get(i).cluster().gaps());
        }
        report.print();
      } finally {
        nodes.forEach(NodeChanges::close);
      }
    }
  }

  /**
   * Somebody comes to a node that nobody of the talk was on, in the middle of the traffic: what he
   * reads after it is said that he hears, and what he is told from then on, join without a gap.
   */
  private static void joins(ProofDatabase scene, Talk talk, NodeChanges node, int number) {
    String marker = "marker joined " + number;
    var client = new Joining(scene, List.of(talk), marker);
    node.fanOut().add(client, Set.of(Audience.user(talk.two())));
    node.fanOut().awaitSubscribed(Set.of(Audience.user(talk.two())));
    client.joins();
    scene.say(talk, marker);
    Await.until(marker, () -> client.hasHeardMarker);
    node.fanOut().remove(client);
    assertEquals(List.of(), client.follows.complaints());
    assertEquals(1, client.follows.resyncs());
  }

  /** Holds what it is told until it has read what there is, as a socket does. */
  private static final class Joining implements Subscriber {
    final FollowingClient follows;
    private final String marker;
    private final List<Change> held = new ArrayList<>();
    private boolean isHolding = true;
    private boolean isGone;
    private volatile boolean hasHeardMarker;

    Joining(ProofDatabase scene, List<Talk> talks, String marker) {
      this(new FollowingClient(scene, talks), marker);
    }

    Joining(FollowingClient follows, String marker) {
      this.follows = follows;
      this.marker = marker;
    }

    @Override
    public synchronized void changed(Change change) {
      if (isHolding) {
        held.add(change);
      } else if (!isGone) {
        follows.changed(change);
        hasHeardMarker |= String.valueOf(change.record()).contains(marker);
      }
    }

    @Override
    public synchronized void resync(String reason) {
      if (!isHolding && !isGone) {
        follows.resync(reason);
      }
    }

    /** What its node had just begun to tell when it was closed reaches nobody. */
    synchronized void leaves() {
      isGone = true;
    }

    synchronized void joins() {
      follows.resync("joined");
      held.forEach(follows::changed);
      held.clear();
      isHolding = false;
    }
  }

  @Test
  void whateverBreaksInTheMiddleNobodyIsLeftBehind() throws Exception {
    Random random = new Random(Proof.SEED);
    List<Fault> faults = new ArrayList<>();
    for (int i = 0; i < Proof.TIMES; i++) {
      for (Fault fault : Fault.values()) {
        boolean isOften = fault == Fault.NATS_KILLED || fault == Fault.LEADER_STOPPED;
        faults.addAll(Collections.nCopies(isOften ? 2 : 1, fault));
      }
    }
    Collections.shuffle(faults, random);

    try (NatsServer nats = new NatsServer();
        OwnServer server = new OwnServer()) {
      ProofDatabase scene = server.scene();
      List<Talk> talks = scene.talks(6);
      NatsSettings settings = nats.settings();
      List<Follower> nodes = new ArrayList<>();
      Map<Fault, Integer> done = new EnumMap<>(Fault.class);
      try (Traffic traffic = new Traffic(scene, talks, 6, Proof.SEED)) {
        for (int i = 0; i < 3; i++) {
          nodes.add(new Follower(scene, talks, settings));
        }
        for (Fault fault : faults) {
          traffic.begin();
          LockSupport.parkNanos(Duration.ofMillis(100 + random.nextInt(300)).toNanos());
          switch (fault) {
            case NATS_KILLED -> {
              nats.kill();
              Await.until("no node to hear", () -> nodes.stream().noneMatch(Follower::isUpToDate));
              LockSupport.parkNanos(Duration.ofMillis(random.nextInt(300)).toNanos());
              nats.start();
            }
            case LEADER_STOPPED -> {
              Follower leader =
                  Await.value(
                          "a leader",
                          () -> nodes.stream().filter(Follower::leads).findFirst(),
                          Optional::isPresent)
                      .orElseThrow();
              leader.changes.relay().close();
              Await.until(
                  "another leader",
                  () -> nodes.stream().anyMatch(node -> node != leader && node.leads()));
              leader.comesBack(settings);
            }
            case READERS_ENDED -> scene.terminate("gptdesk-chat relay");
            case LISTENERS_ENDED -> scene.terminate("gptdesk-chat listener");
            case NODE_SLOW -> nodes.get(random.nextInt(3)).isSlowUntilItHasMissedSomething();
            case SERVER_STOPPED_AT_ONCE -> {
              server.crash();
              server.start();
            }
          }
          done.merge(fault, 1, Integer::sum);
          traffic.begin();
          LockSupport.parkNanos(Duration.ofMillis(random.nextInt(200)).toNanos());
          Await.until(
              "all to hear again after " + fault,
              () -> nodes.stream().allMatch(Follower::isUpToDate));
        }
        traffic.fallSilent();
        for (Talk talk : talks) {
          scene.say(talk, "marker " + talk.id());
        }
        Report report =
            new Report("By NATS, faults in the middle (seed " + Proof.SEED + ")")
                .line("faults", done)
                .line("transactions committed", traffic.committed)
                .line("commits without an answer", traffic.unknown);
        for (Follower node : nodes) {
          for (Talk talk : talks) {
            Await.until("the marker", () -> node.client.holds("marker " + talk.id()));
          }
          report.line("node " + (nodes.indexOf(node) + 1), node);
          node.client.assertHasEverything();
        }
        report.print();
      } finally {
        nodes.forEach(node -> node.changes.close());
      }
    }
  }

  /** A client on a node of its own, which may stop listening for a while. */
  private static final class Follower {
    final FollowingClient client;
    private final ProofDatabase scene;
    private final List<Talk> talks;
    private NodeChanges changes;
    private Joining joining;
    private volatile CountDownLatch slow = new CountDownLatch(0);

    Follower(ProofDatabase scene, List<Talk> talks, NatsSettings settings) {
      this.scene = scene;
      this.talks = talks;
      this.client = new FollowingClient(scene, talks);
      this.joining = new Joining(client, "marker");
      this.changes = open(settings);
    }

    private NodeChanges open(NatsSettings settings) {
      NodeChanges opened =
          new NodeChanges(scene.relayAmongFaults(), settings.withMaxWaiting(200), this::behind)
              .start();
      Set<Audience> audiences = audiences(talks);
      opened.fanOut().add(joining, audiences);
      opened.fanOut().awaitSubscribed(audiences);
      joining.joins();
      return opened;
    }

    /** As after a restart: it begins where it was. */
    void comesBack(NatsSettings settings) {
      changes.close();
      joining.leaves();
      joining = new Joining(client, "marker");
      changes = open(settings);
    }

    private ChangeListener behind(ChangeListener fanOut) {
      return new ChangeListener() {
        @Override
        public void changed(Change change) {
          try {
            slow.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          fanOut.changed(change);
        }

        @Override
        public void resync(String reason) {
          fanOut.resync(reason);
        }
      };
    }

    void isSlowUntilItHasMissedSomething() {
      long before = changes.cluster().dropped();
      slow = new CountDownLatch(1);
      // More than the second copy of one change, which nobody would miss.
      Await.until("many to be dropped", () -> changes.cluster().dropped() > before + 20);
      long gaps = changes.cluster().gaps();
      slow.countDown();
      Await.until("the gap to be noticed", () -> changes.cluster().gaps() > gaps);
    }

    boolean isUpToDate() {
      return changes.isUpToDate();
    }

    boolean leads() {
      return changes.relay().isLeading();
    }

    @Override
    public String toString() {
      return "told %d, caught up with %d, resyncs %d, gaps %d, dropped %d, complaints %d"
          .formatted(
              client.told(),
              client.caughtUp(),
              client.resyncs(),
              changes.cluster().gaps(),
              changes.cluster().dropped(),
              client.complaints().size());
    }
  }

  private static Set<Audience> audiences(List<Talk> talks) {
    Set<Audience> audiences = new HashSet<>();
    for (Talk talk : talks) {
      audiences.add(Audience.user(talk.one()));
      audiences.add(Audience.user(talk.two()));
    }
    return audiences;
  }

  private static Subscriber as(ChangeListener listener) {
    return new Subscriber() {
      @Override
      public void changed(Change change) {
        listener.changed(change);
      }

      @Override
      public void resync(String reason) {
        listener.resync(reason);
      }
    };
  }
}
