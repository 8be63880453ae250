package com.gptdesk.chat.relay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.relay.UserFeed.Renewal;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** When a user may be told a change, and when they have to read anew what they show. */
class UserFeedTest {
  private static final Audience ALICE = Audience.user(new UUID(0, 1));
  private static final Audience BLUE = Audience.team(new UUID(0, 2));
  private static final Audience RED = Audience.team(new UUID(0, 3));

  private final UserFeed feed = new UserFeed();

  @Test
  void nothingIsToldUntilTheRightsAreKnown() {
    assertFalse(feed.maySee(change("user_messages", BLUE)));

    assertEquals(new Renewal(false, null), feed.known(List.of(ALICE, BLUE)));

    assertTrue(feed.maySee(change("user_messages", BLUE)));
    assertTrue(feed.maySee(change("user_messages", RED, ALICE)));
    assertFalse(feed.maySee(change("user_messages", RED)));
  }

  @Test
  void nothingIsToldWhileTheRightsAreReadAgain() {
    feed.known(List.of(ALICE, BLUE));
    assertTrue(UserFeed.mayChangeRights(change("users", ALICE)));
    assertFalse(UserFeed.mayChangeRights(change("user_messages", ALICE)));

    feed.unknown();

    assertFalse(feed.isKnown());
    assertFalse(feed.maySee(change("user_messages", BLUE)));
    assertEquals(Set.of(ALICE, BLUE), feed.audiences());
    assertEquals(new Renewal(false, null), feed.known(List.of(BLUE, ALICE)));
    assertTrue(feed.maySee(change("user_messages", BLUE)));
  }

  @Test
  void otherRightsAreSaidOnceAndHoldAtOnce() {
    feed.known(List.of(ALICE, BLUE));
    feed.unknown();

    assertEquals(new Renewal(true, null), feed.known(List.of(ALICE, RED)));

    assertFalse(feed.maySee(change("user_messages", BLUE)));
    assertTrue(feed.maySee(change("user_messages", RED)));
    feed.unknown();
    assertEquals(new Renewal(false, null), feed.known(List.of(ALICE, RED)));
  }

  @Test
  void whatWasMissedIsSaidOnceWhenTheRightsAreKnown() {
    feed.known(List.of(ALICE));
    feed.missed("a gap");
    feed.unknown();

    assertEquals(new Renewal(false, "a gap"), feed.known(List.of(ALICE)));
    assertEquals(new Renewal(false, null), feed.known(List.of(ALICE)));
  }

  private static Change change(String table, Audience... audiences) {
    return new Change(
        1, table, Change.Operation.INSERT, Instant.EPOCH, List.of(audiences), "{}", null);
  }
}
