package com.gptdesk.chat.service.realtime.socket;

import com.gptdesk.chat.service.realtime.channel.Channel;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One timer for each socket, for whichever comes first: the client's timeout or the expiry of a
 * channel's token. Owned by the socket's context.
 */
final class SocketTimer {
  private final Vertx vertx;
  private final SharedParts shared;
  private final SocketWriter writer;
  private final JoinedChannels channels;
  private final BooleanSupplier isPaused;
  private final Duration idleTimeout;
  private final Duration tokenLeeway;
  private long lastFrame;
  private long timer = -1;

  /**
   * @param isPaused whether reading is paused because a message waits for the database
   */
  SocketTimer(
      Vertx vertx,
      SharedParts shared,
      SocketWriter writer,
      JoinedChannels channels,
      BooleanSupplier isPaused) {
    this.vertx = vertx;
    this.shared = shared;
    this.writer = writer;
    this.channels = channels;
    this.isPaused = isPaused;
    this.idleTimeout = shared.settings().times().idleTimeout();
    this.tokenLeeway = shared.settings().times().tokenLeeway();
    this.lastFrame = shared.nanos();
  }

  /** To be called when the client has sent something. */
  void received() {
    lastFrame = shared.nanos();
  }

  /** Waits for whichever comes first now. */
  void arm() {
    if (writer.hasEnded()) {
      return;
    }
    cancel();
    Duration wait = idleTimeout.minusNanos(shared.nanos() - lastFrame);
    Instant now = Instant.now();
    for (Channel channel : channels.all()) {
      Instant end = endOf(channel);
      if (end != null && Duration.between(now, end).compareTo(wait) < 0) {
        wait = Duration.between(now, end);
      }
    }
    timer = vertx.setTimer(Math.max(1, wait.toMillis() + 1), id -> tick());
  }

  /** Waits for nothing. */
  void cancel() {
    if (timer >= 0) {
      vertx.cancelTimer(timer);
    }
  }

  private @Nullable Instant endOf(Channel channel) {
    Instant expiresAt = channel.expiresAt();
    return expiresAt == null ? null : expiresAt.plus(tokenLeeway);
  }

  private void tick() {
    timer = -1;
    // A socket that is not read while it waits for the database has not timed out.
    if (!isPaused.getAsBoolean() && shared.nanos() - lastFrame >= idleTimeout.toNanos()) {
      writer.close(CloseCode.NORMAL, "no heartbeat");
      return;
    }
    Instant now = Instant.now();
    String ended = null;
    for (Channel channel : List.copyOf(channels.all())) {
      Instant end = endOf(channel);
      if (end != null && !now.isBefore(end)) {
        long seconds = Duration.between(end.minus(tokenLeeway), now).toSeconds();
        ended = channel.token();
        channels.dismiss(
            channel, "InvalidJWTToken: Token has expired " + seconds + " seconds ago", true);
      }
    }
    if (ended != null && channels.all().isEmpty() && shared.endedTokens().isFirst(ended)) {
      writer.close(CloseCode.POLICY_VIOLATION, "the token has expired");
      return;
    }
    if (isPaused.getAsBoolean()) {
      received();
    }
    arm();
  }
}
