package com.gptdesk.chat.service.server;

import com.gptdesk.chat.service.http.RequestDeadlines;
import com.gptdesk.chat.service.storage.BodyCutOff;
import io.vertx.core.Context;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * The body of a request for a thread that blocks. It asks the client for more only when that thread
 * has read what came, so that a fast client fills no memory. Made on the request's event loop; read
 * by one thread.
 */
final class RequestBody extends InputStream {
  /** Buffers that may be on their way: each is at most what one read of the socket brings. */
  private static final int AHEAD = 8;

  /** What came: bytes, the end, or a failure. */
  private sealed interface Event {
    record Bytes(Buffer buffer) implements Event {}

    record End() implements Event {}

    record Failure(Throwable cause) implements Event {}
  }

  private final HttpServerRequest request;
  private final Context loop;
  private final RequestDeadlines deadlines;
  private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
  private Event now = new Event.Bytes(Buffer.buffer());
  private int place;
  private int asked;

  /** Buffers that were asked for and have not come; of the event loop. */
  private int wanted;

  /** Of the event loop, too. */
  private boolean discarding;

  RequestBody(HttpServerRequest request, Context loop, RequestDeadlines deadlines) {
    this.request = request;
    this.loop = loop;
    this.deadlines = deadlines;
    request.pause();
    deadlines.held(request);
    request.handler(this::came);
    request.endHandler(nothing -> events.add(new Event.End()));
    request.exceptionHandler(cause -> events.add(new Event.Failure(cause)));
  }

  private void came(Buffer buffer) {
    if (!discarding) {
      if (--wanted == 0) {
        deadlines.held(request);
      }
      events.add(new Event.Bytes(buffer));
    }
  }

  /** Lets the rest come and keeps none of it, so that the connection can be used again. */
  void discard() {
    discarding = true;
    if (!request.isEnded()) {
      deadlines.awaited(request);
      request.resume();
    }
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, target.length);
    while (true) {
      switch (now) {
        case Event.Bytes(Buffer buffer) when place < buffer.length() || length == 0 -> {
          int read = Math.min(length, buffer.length() - place);
          buffer.getBytes(place, place + read, target, offset);
          place += read;
          return read;
        }
        case Event.Bytes bytes -> next();
        case Event.End end -> {
          return -1;
        }
        case Event.Failure(Throwable cause) -> throw new BodyCutOff(cause);
      }
    }
  }

  private void next() throws IOException {
    if (asked == 0) {
      asked = AHEAD;
      loop.runOnContext(
          nothing -> {
            deadlines.awaited(request);
            wanted = AHEAD;
            request.fetch(AHEAD);
          });
    }
    try {
      now = events.take();
      place = 0;
      asked--;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("The service is being stopped");
    }
  }
}
