package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.service.realtime.protocol.ServerMessage;
import io.vertx.core.buffer.Buffer;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Writes from channels to one client. Called only on the socket's event-loop context, which also
 * runs the callbacks.
 */
public interface Outbound {
  /** Writes a message, in order. */
  void write(ServerMessage message);

  /** Writes a binary frame, if the client's protocol has them. */
  void write(Buffer binary);

  /** Whether the client reads fast enough to be sent what could also wait in the database. */
  boolean hasRoom();

  /**
   * Runs blocking work on a virtual thread; its result is handled on the context, unless the socket
   * has ended.
   */
  <T extends @Nullable Object> void offEventLoop(
      Supplier<T> work, Consumer<T> done, Consumer<RuntimeException> failed);

  /** Runs a task after so many milliseconds, unless the socket has ended. */
  void later(long millis, Runnable then);

  /**
   * Closes the socket because too much waits for its client. The client reconnects and catches up.
   *
   * @param what waits, for the log
   */
  void closeTooSlow(String what);

  /** Logs with the id of the request that opened this socket. */
  void named(Runnable log);
}
