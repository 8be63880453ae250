package com.gptdesk.chat.service.upstream;

import io.vertx.core.Handler;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.streams.ReadStream;
import org.jspecify.annotations.Nullable;

/** A body that fails when it becomes longer than it may. Used on one event loop. */
final class LimitedBody implements ReadStream<Buffer> {
  private final ReadStream<Buffer> source;
  private final long maxBytes;
  private long bytes;
  private @Nullable Handler<Throwable> failure;

  LimitedBody(ReadStream<Buffer> source, long maxBytes) {
    this.source = source;
    this.maxBytes = maxBytes;
  }

  /** Whether it was too long. */
  boolean isExceeded() {
    return bytes > maxBytes;
  }

  @Override
  public LimitedBody handler(@Nullable Handler<Buffer> handler) {
    source.handler(
        handler == null
            ? null
            : part -> {
              boolean isKnown = isExceeded();
              bytes += part.length();
              if (!isExceeded()) {
                handler.handle(part);
              } else if (!isKnown && failure != null) {
                failure.handle(new IllegalArgumentException("The body is too long"));
              }
            });
    return this;
  }

  @Override
  public LimitedBody exceptionHandler(@Nullable Handler<Throwable> handler) {
    failure = handler;
    source.exceptionHandler(handler);
    return this;
  }

  @Override
  public LimitedBody pause() {
    source.pause();
    return this;
  }

  @Override
  public LimitedBody resume() {
    source.resume();
    return this;
  }

  @Override
  public LimitedBody fetch(long amount) {
    source.fetch(amount);
    return this;
  }

  @Override
  public LimitedBody endHandler(@Nullable Handler<Void> handler) {
    source.endHandler(handler);
    return this;
  }
}
