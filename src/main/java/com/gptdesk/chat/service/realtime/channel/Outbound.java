package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.service.realtime.protocol.ServerMessage;
import io.vertx.core.buffer.Buffer;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The way from channels to one client. Called on the socket's event-loop context alone, which also
 * runs what is handed over here.
 */
public interface Outbound {
  /** Writes a message after those before it. */
  void write(ServerMessage message);

  /** Writes a binary frame, to clients that read such. */
  void write(Buffer binary);

  /** Whether the client reads fast enough to be sent what can as well wait in the database. */
  boolean hasRoom();

  /**
   * Runs blocking work on a virtual thread; what comes of it is handled on the context, unless the
   * socket has ended.
   */
  <T extends @Nullable Object> void offEventLoop(
      Supplier<T> work, Consumer<T> done, Consumer<RuntimeException> failed);

  /** Runs something after so many milliseconds, unless the socket has ended by then. */
  void later(long millis, Runnable then);

  /**
   * Closes the socket: more waits for its client than may. The client comes back and catches up.
   *
   * @param what waits, for the log
   */
  void closeTooSlow(String what);

  /** Logs by the id of the request that became this socket. */
  void named(Runnable log);
}
