package com.gptdesk.chat.service.realtime.socket;

import com.gptdesk.chat.service.http.RequestId;
import com.gptdesk.chat.service.realtime.channel.Outbound;
import com.gptdesk.chat.service.realtime.protocol.ClientMessage;
import com.gptdesk.chat.service.realtime.protocol.Json;
import com.gptdesk.chat.service.realtime.protocol.Serializer;
import com.gptdesk.chat.service.realtime.protocol.ServerMessage;
import io.netty.buffer.ByteBufUtil;
import io.vertx.core.Context;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.ServerWebSocket;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes to one socket in order, and closes it when too much waits. Everything runs on the socket's
 * event-loop context except {@link #onContext}, which any thread may call.
 */
final class SocketWriter implements Outbound {
  private static final Logger LOG = LoggerFactory.getLogger(SocketWriter.class);

  private final String id;
  private final Context context;
  private final ServerWebSocket socket;
  private final Serializer serializer;
  private final int maxQueuedBytes;
  private final SocketMetrics metrics;
  private final Runnable whenEnded;
  private final Runnable whenRead;

  /** Bytes that were written and not yet read by the client. */
  private long queuedBytes;

  private boolean ended;

  /**
   * @param id of the request that opened this socket
   * @param whenEnded called once, when the socket has ended
   * @param whenRead called whenever the client has read something
   */
  SocketWriter(
      String id,
      Context context,
      ServerWebSocket socket,
      Serializer serializer,
      SharedParts shared,
      Runnable whenEnded,
      Runnable whenRead) {
    this.id = id;
    this.context = context;
    this.socket = socket;
    this.serializer = serializer;
    this.maxQueuedBytes = shared.settings().queues().maxBytes();
    this.metrics = shared.metrics();
    this.whenEnded = whenEnded;
    this.whenRead = whenRead;
  }

  // --- Messages
  // ----------------------------------------------------------------------------------------------------

  @Override
  public void write(ServerMessage message) {
    if (ended || socket.isClosed()) {
      return;
    }
    String text = serializer.encode(message);
    int length = ByteBufUtil.utf8Bytes(text); // Its length as sent, computed without encoding it.
    queue(length);
    socket.writeTextMessage(text).onComplete(done -> written(length));
    checkQueue();
  }

  @Override
  public void write(Buffer binary) {
    if (ended || socket.isClosed() || !serializer.speaksBinary()) {
      return;
    }
    queue(binary.length());
    socket.writeBinaryMessage(binary).onComplete(done -> written(binary.length()));
    checkQueue();
  }

  /** Answers a client's message. */
  void answer(ClientMessage.Message message, boolean ok, ObjectNode response) {
    write(ServerMessage.Reply.to(message, ok, response));
  }

  /** Answers a client's message with an error. */
  void refuse(ClientMessage.Message message, String reason) {
    if (message instanceof ClientMessage.Join) {
      metrics.countRefusedJoin();
    }
    answer(message, false, Json.object().put("reason", reason));
  }

  // --- Back-pressure
  // -----------------------------------------------------------------------------------------------

  private void queue(int length) {
    queuedBytes += length;
    metrics.countWritten();
  }

  private void written(int length) {
    queuedBytes -= length;
    whenRead.run();
  }

  /** What a client does not read in time waits here, up to a limit. */
  private void checkQueue() {
    if (queuedBytes > maxQueuedBytes) {
      closeTooSlow("it reads too slowly");
    }
  }

  @Override
  public boolean hasRoom() {
    return !ended && queuedBytes <= maxQueuedBytes / 4;
  }

  // --- Work
  // --------------------------------------------------------------------------------------------------------

  /** Runs a task on the socket's context, whether it has ended or not. Thread-safe. */
  void onContext(Runnable work) {
    context.runOnContext(nothing -> work.run());
  }

  @Override
  public <T extends @Nullable Object> void offEventLoop(
      Supplier<T> work, Consumer<T> done, Consumer<RuntimeException> failed) {
    Thread.ofVirtual()
        .name("realtime")
        .start(
            () -> {
              T result;
              try {
                result = work.get();
              } catch (RuntimeException e) {
                onContext(() -> back(() -> failed.accept(e)));
                return;
              }
              onContext(() -> back(() -> done.accept(result)));
            });
  }

  @Override
  public void later(long millis, Runnable then) {
    context.owner().setTimer(Math.max(1, millis), timer -> back(then));
  }

  private void back(Runnable then) {
    if (ended) {
      return;
    }
    try {
      then.run();
    } catch (RuntimeException e) {
      named(() -> LOG.error("An answer could not be handled; its socket is closed", e));
      close(CloseCode.SERVER_FAULT, "internal");
    }
  }

  @Override
  public void named(Runnable log) {
    RequestId.named(id, log);
  }

  // --- Ending
  // ------------------------------------------------------------------------------------------------------

  /** Whether the socket has ended. */
  boolean hasEnded() {
    return ended;
  }

  @Override
  public void closeTooSlow(String what) {
    if (!ended) {
      metrics.countSlow();
      named(
          () ->
              LOG.info(
                  "The socket of {} is closed, as {}; the client reconnects and catches up",
                  socket.remoteAddress(),
                  what));
      close(CloseCode.TRY_AGAIN_LATER, "too slow");
    }
  }

  /** Ends and closes the socket; the client reconnects by itself, whatever the code. */
  void close(short code, String reason) {
    end();
    if (!socket.isClosed()) {
      socket.close(code, reason);
    }
  }

  /** The socket is closed, or is being closed. */
  void end() {
    if (!ended) {
      ended = true;
      whenEnded.run();
    }
  }
}
