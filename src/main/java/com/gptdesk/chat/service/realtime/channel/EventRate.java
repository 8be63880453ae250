package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.service.http.TokenBucket;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The rate limit of one client's broadcasts and presence calls together. Owned by the socket's
 * context.
 */
public final class EventRate {
  private final int perSecond;
  private final LongSupplier nanoClock;
  private final TokenBucket events;

  /** Starts with all tokens. */
  public EventRate(TopicServices services) {
    this.perSecond = services.limits().maxEventsPerSecond();
    this.nanoClock = services.nanoClock();
    this.events = new TokenBucket(perSecond, nanoClock.getAsLong());
  }

  /** Counts one event; returns the reason when it is one too many, else null. */
  @Nullable String refusal() {
    return events.take(nanoClock.getAsLong())
        ? null
        : "ClientEventRateLimitReached: Too many messages per second, at most " + perSecond;
  }
}
