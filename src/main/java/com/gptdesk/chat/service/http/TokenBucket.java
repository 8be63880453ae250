package com.gptdesk.chat.service.http;

/** A token bucket: so many a second on average, twice as many at once. For one thread. */
public final class TokenBucket {
  private final double perNano;
  private final double most;
  private double left;
  private long last;

  public TokenBucket(int perSecond, long now) {
    this.perNano = perSecond / 1e9;
    this.most = 2.0 * perSecond;
    this.left = most;
    this.last = now;
  }

  /** Takes one token; false when there is none left. */
  public boolean take(long now) {
    left = Math.min(most, left + (now - last) * perNano);
    last = now;
    if (left < 1) {
      return false;
    }
    left--;
    return true;
  }
}
