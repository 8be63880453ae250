package com.gptdesk.chat.relay;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** A change goes to whom its audiences meet, and to nobody else. */
class FanOutTest {
  private static final Audience ALICE = Audience.user(UUID.randomUUID());
  private static final Audience BOB = Audience.user(UUID.randomUUID());
  private static final Audience BLUE = Audience.team(UUID.randomUUID());

  /** With the id of a person: the kind tells them apart. */
  private static final Audience RED = Audience.team(ALICE.id());

  private final FanOut fanOut = new FanOut();
  private long seq;

  @Test
  void aChangeReachesThoseItsAudiencesMeetOnceEach() {
    var alice = new Hears();
    var bob = new Hears();
    var mallory = new Hears();
    fanOut.add(alice, List.of(ALICE, BLUE));
    fanOut.add(bob, List.of(BOB, BLUE));
    fanOut.add(mallory, List.of(Audience.user(UUID.randomUUID()), RED));

    fanOut.changed(change(ALICE, BOB));
    fanOut.changed(change(ALICE, BLUE)); // two of Alice's audiences
    fanOut.changed(change(BLUE));
    fanOut.changed(change(RED));

    assertEquals(List.of("1", "2", "3"), alice.heard);
    assertEquals(List.of("1", "2", "3"), bob.heard);
    assertEquals(List.of("4"), mallory.heard);
  }

  /** Bob is of the team, and blocked: on no socket of his, whichever audience it has in common. */
  @Test
  void aChangeIsNotToldToWhomItIsHiddenFrom() {
    var alice = new Hears();
    var bob = new Hears();
    var bobsPhone = new Hears();
    var red = new Hears();
    fanOut.add(alice, List.of(ALICE, BLUE));
    fanOut.add(bob, List.of(BOB, BLUE));
    fanOut.add(bobsPhone, List.of(BLUE, BOB));
    fanOut.add(red, List.of(Audience.user(UUID.randomUUID()), RED));

    fanOut.changed(hidden(List.of(BOB.id()), BLUE));
    fanOut.changed(hidden(List.of(BOB.id()), BLUE, BOB));
    fanOut.changed(hidden(List.of(UUID.randomUUID()), BLUE)); // of somebody who is not here
    fanOut.changed(
        hidden(List.of(ALICE.id(), BOB.id()), BLUE, RED)); // a person, not the team of that id
    fanOut.changed(change(BLUE));

    assertEquals(List.of("1", "2", "3", "5"), alice.heard);
    assertEquals(List.of("3", "5"), bob.heard);
    assertEquals(List.of("3", "5"), bobsPhone.heard);
    assertEquals(List.of("4"), red.heard);
  }

  /** It is of one delivery alone: what was hidden once keeps nobody from what comes next. */
  @Test
  void whatIsHiddenFromSomebodyLeavesTheirAudiencesAsTheyAre() {
    var bob = new Hears();
    fanOut.add(bob, List.of(BOB, BLUE));
    fanOut.changed(hidden(List.of(BOB.id()), BLUE));
    fanOut.changed(change(BLUE));
    fanOut.resync(List.of(BLUE), "begin anew");
    assertEquals(List.of("2", "begin anew"), bob.heard);
  }

  @Test
  void whoMovesToAnotherTeamHearsThatOneInstead() {
    var alice = new Hears();
    fanOut.add(alice, List.of(ALICE, BLUE));
    fanOut.resubscribe(alice, List.of(ALICE, RED));

    fanOut.changed(change(BLUE));
    fanOut.changed(change(RED));
    fanOut.changed(change(ALICE));

    assertEquals(List.of("2", "3"), alice.heard);
  }

  @Test
  void whoLeftHearsNothingEvenWhenItsAudiencesCameLate() {
    var alice = new Hears();
    var bob = new Hears();
    fanOut.add(alice, List.of(ALICE));
    fanOut.add(bob, List.of(ALICE));
    fanOut.remove(alice);
    fanOut.resubscribe(alice, List.of(ALICE, BLUE));

    fanOut.changed(change(ALICE));
    fanOut.resync("begin anew");

    assertEquals(List.of(), alice.heard);
    assertEquals(List.of("1", "begin anew"), bob.heard);
    assertEquals(1, fanOut.size());
  }

  @Test
  void whoFailsDoesNotKeepOthersFromHearing() {
    var bob = new Hears();
    fanOut.add(
        new Subscriber() {
          @Override
          public void changed(Change change) {
            throw new IllegalStateException("cannot");
          }

          @Override
          public void resync(String reason) {
            throw new IllegalStateException("cannot");
          }
        },
        List.of(ALICE));
    fanOut.add(bob, List.of(ALICE));

    fanOut.changed(change(ALICE));
    fanOut.resync("begin anew");

    assertEquals(List.of("1", "begin anew"), bob.heard);
  }

  /**
   * Carol moves between teams all the while, and yet misses nothing that is for herself, and hears
   * nothing twice.
   */
  @Test
  void aAudienceThatIsKeptIsNeverWithoutItsSubscriber() throws InterruptedException {
    var carol = new Hears();
    fanOut.add(carol, List.of(ALICE, BLUE));
    var done = new AtomicBoolean();
    Thread mover =
        Thread.ofVirtual()
            .start(
                () -> {
                  while (!done.get()) {
                    fanOut.resubscribe(carol, List.of(ALICE, RED));
                    fanOut.resubscribe(carol, List.of(ALICE, BLUE));
                  }
                });
    for (int i = 0; i < 20_000; i++) {
      fanOut.changed(change(ALICE, BLUE));
    }
    done.set(true);
    mover.join();

    assertEquals(20_000, carol.heard.size());
  }

  private Change change(Audience... audiences) {
    return hidden(List.of(), audiences);
  }

  private Change hidden(List<UUID> from, Audience... audiences) {
    return new Change(
        ++seq,
        "user_messages",
        Change.Operation.INSERT,
        Instant.now(),
        List.of(audiences),
        from,
        "{}",
        null);
  }

  private static final class Hears implements Subscriber {
    final List<String> heard = new ArrayList<>();

    @Override
    public void changed(Change change) {
      heard.add(String.valueOf(change.seq()));
    }

    @Override
    public void resync(String reason) {
      heard.add(reason);
    }
  }
}
