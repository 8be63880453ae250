package com.gptdesk.chat.service.push;

import static com.gptdesk.chat.database.internal.chat.tables.Settings.SETTINGS;

import com.gptdesk.chat.database.internal.chat.Routines;
import com.gptdesk.chat.database.internal.chat.tables.records.TakePushNoticesRecord;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.nimbusds.jose.util.Base64URL;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.jooq.types.YearToSecond;
import org.jspecify.annotations.Nullable;

/**
 * The database's part: it decides who is told of what, and keeps what is still to be sent. Blocks.
 * Thread-safe.
 */
final class PushRecords {
  private static final int CHANGES = 1000;
  private static final int DEVICES = 1000;

  /** An answer that the database could not be told of in this time is asked for again. */
  private static final Duration MARGIN = Duration.ofSeconds(30);

  private final ServiceDatabase database;
  private final PushSettings settings;

  PushRecords(ServiceDatabase database, PushSettings settings) {
    this.database = database;
    this.settings = settings;
  }

  /** What the nodes send with; null: nobody sends anything. */
  static @Nullable String publicKey(ServiceDatabase database) {
    return database.asItself(
        tx -> tx.select(SETTINGS.PUSH_PUBLIC_KEY).from(SETTINGS).fetchSingle().value1());
  }

  /** Says what this node sends with. True when that is news. */
  static boolean introduce(ServiceDatabase database, PushSettings settings) {
    return database.as(
        ServiceDatabase.RELAY,
        tx ->
            Routines.setPushKey(
                tx.configuration(),
                settings.publicKey(),
                settings.hosts().names().toArray(String[]::new)));
  }

  /** One step along the change log; true when there may be more. */
  boolean queue() {
    return database.as(
        ServiceDatabase.RELAY,
        tx -> Routines.queuePushNotices(tx.configuration(), CHANGES) == CHANGES);
  }

  /** So many notices at most that are to be sent now, by nobody else for a while. */
  List<PushNotice> take(int most) {
    return database.as(
        ServiceDatabase.RELAY,
        tx ->
            Routines.takePushNotices(
                    tx.configuration(),
                    YearToSecond.valueOf(settings.life()),
                    settings.showsText(),
                    YearToSecond.valueOf(settings.timeout().plus(MARGIN)),
                    most)
                .map(PushRecords::of));
  }

  /** What became of one. */
  void finish(PushNotice notice, PushOutcome outcome, @Nullable Duration retryAfter) {
    database.as(
        ServiceDatabase.RELAY,
        tx -> {
          Routines.finishPushNotice(
              tx.configuration(),
              notice.device(),
              notice.conversation(),
              notice.messageSeq(),
              outcome.word(),
              retryAfter == null ? null : YearToSecond.valueOf(retryAfter));
          return true;
        });
  }

  /** Removes devices that no browser has named for long; true when there may be more. */
  boolean sweep() {
    return database.as(
        ServiceDatabase.RELAY,
        tx -> Routines.sweepPushSubscriptions(tx.configuration(), DEVICES) == DEVICES);
  }

  private static PushNotice of(TakePushNoticesRecord row) {
    return new PushNotice(
        Objects.requireNonNull(row.getSubscriptionId()),
        Objects.requireNonNull(row.getConversationId()),
        Objects.requireNonNull(row.getMessageSeq()),
        Objects.requireNonNull(row.getTries()),
        Objects.requireNonNull(row.getExpiresAt()).toInstant(),
        Objects.requireNonNull(row.getEndpoint()),
        Base64URL.encode(Objects.requireNonNull(row.getP256dh())),
        Base64URL.encode(Objects.requireNonNull(row.getAuth())),
        Objects.requireNonNull(row.getUserId()),
        Objects.requireNonNull(row.getSenderName()),
        row.getContent());
  }
}
