package com.gptdesk.chat.service.realtime.socket;

import com.gptdesk.chat.service.http.TokenBucket;
import com.gptdesk.chat.service.realtime.channel.BroadcastHandler;
import com.gptdesk.chat.service.realtime.channel.Channel;
import com.gptdesk.chat.service.realtime.channel.Inbound;
import com.gptdesk.chat.service.realtime.protocol.ClientMessage;
import com.gptdesk.chat.service.realtime.protocol.Json;
import com.gptdesk.chat.service.realtime.protocol.Serializer;
import io.vertx.core.Context;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.http.ServerWebSocket;
import java.util.ArrayDeque;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client's socket: reads its messages one by one and passes each to its handler.
 *
 * <p>Everything runs on the socket's event-loop context except {@link #close}, which any thread may
 * call. Blocking work (a token's keys, the database) runs on a virtual thread. Meanwhile the socket
 * is read for a bounded number of broadcasts at most, so messages stay in order and work cannot
 * pile up.
 */
final class Socket implements Inbound {
  private static final Logger LOG = LoggerFactory.getLogger(Socket.class);

  private final RealtimeSettings settings;
  private final SharedParts shared;
  private final ServerWebSocket socket;
  private final Serializer serializer;
  private final Consumer<Socket> whenEnded;
  private final SocketWriter writer;
  private final JoinedChannels channels;
  private final SocketTimer timer;
  private final ChannelAuth auth;
  private final JoinChannel join;
  private final TokenBucket frames;
  private final ArrayDeque<ClientMessage> unread = new ArrayDeque<>(0);
  private boolean paused;
  private boolean complained;
  private int refusedInARow;

  /**
   * @param id of the request that opened this socket
   * @param whenEnded called once on the context, when the socket has ended
   */
  Socket(
      SharedParts shared,
      String id,
      Context context,
      ServerWebSocket socket,
      Serializer serializer,
      String apikey,
      Consumer<Socket> whenEnded) {
    this.settings = shared.settings();
    this.shared = shared;
    this.socket = socket;
    this.serializer = serializer;
    this.whenEnded = whenEnded;
    this.writer =
        new SocketWriter(id, context, socket, serializer, shared, this::ended, this::clientHasRead);
    this.channels = new JoinedChannels(shared, writer, this);
    this.timer = new SocketTimer(context.owner(), shared, writer, channels, () -> paused);
    this.auth =
        new ChannelAuth(
            shared.tokens(), shared.endedTokens(), apikey, writer, this, channels, timer);
    this.join = new JoinChannel(shared, writer, this, channels, auth, timer);
    this.frames = new TokenBucket(settings.frames().maxPerSecond(), shared.nanos());
  }

  /** Starts to read. */
  void open() {
    socket.textMessageHandler(text -> receive(serializer.decode(text)));
    socket.binaryMessageHandler((Buffer binary) -> receive(serializer.decode(binary)));
    socket.exceptionHandler(this::fail);
    socket.closeHandler(nothing -> writer.end());
    timer.arm();
  }

  // --- Reading
  // -----------------------------------------------------------------------------------------------------

  private void receive(ClientMessage message) {
    timer.received();
    unread.add(message);
    readOn();
  }

  @Override
  public void pause() {
    paused = true;
    socket.pause();
  }

  @Override
  public void resume() {
    paused = false;
    if (!writer.hasEnded()) {
      socket.resume();
      readOn();
    }
  }

  /** Handles messages one by one until one has to wait. */
  private void readOn() {
    while (!paused && !writer.hasEnded() && !unread.isEmpty()) {
      if (!mayFollow(unread.element())) {
        pause();
        return;
      }
      ClientMessage message = unread.remove();
      try {
        if (mayBeTaken(message)) {
          take(message);
        }
      } catch (RuntimeException e) {
        writer.named(() -> LOG.error("A frame could not be handled; its socket is closed", e));
        writer.close(CloseCode.SERVER_FAULT, "internal");
      }
    }
  }

  /** While broadcasts are sent, more of them are collected; a heartbeat is for the socket alone. */
  private boolean mayFollow(ClientMessage message) {
    BroadcastHandler broadcasts = channels.broadcasts();
    return !broadcasts.isSending()
        || message instanceof ClientMessage.Heartbeat
        || (message instanceof ClientMessage.Broadcast && broadcasts.hasRoom());
  }

  /** Messages over the limit are refused one by one; a client that continues is disconnected. */
  private boolean mayBeTaken(ClientMessage message) {
    if (frames.take(shared.nanos())) {
      refusedInARow = 0;
      return true;
    }
    String reason = "at most " + settings.frames().maxPerSecond() + " messages a second";
    if (++refusedInARow > 10 * settings.frames().maxPerSecond()) {
      writer.named(
          () -> LOG.info("The socket of {} is closed: {}", socket.remoteAddress(), reason));
      shared.metrics().countUnruly();
      writer.close(CloseCode.POLICY_VIOLATION, "too many messages: " + reason);
    } else if (message instanceof ClientMessage.Message refused) {
      writer.refuse(refused, "ClientFrameRateLimitReached: Too many messages, " + reason);
    }
    return false;
  }

  private void take(ClientMessage message) {
    switch (message) {
      case ClientMessage.Malformed malformed -> drop(malformed);
      case ClientMessage.Heartbeat heartbeat -> writer.answer(heartbeat, true, Json.object());
      case ClientMessage.Join wanted -> join.take(wanted);
      case ClientMessage.Leave leave -> leave(leave);
      case ClientMessage.AccessToken token ->
          onChannel(token, channel -> auth.take(token, channel));
      case ClientMessage.Broadcast broadcast ->
          onChannel(broadcast, channel -> channels.broadcasts().take(broadcast, channel));
      case ClientMessage.Presence presence ->
          onChannel(presence, channel -> channels.presence().take(presence, channel));
      case ClientMessage.Unknown unknown ->
          onChannel(
              unknown,
              channel -> writer.refuse(unknown, "unknown event \"" + unknown.event() + "\""));
    }
  }

  /** Logged once for each socket, so that a client cannot fill the log. */
  private void drop(ClientMessage.Malformed malformed) {
    shared.metrics().countMalformed();
    if (!complained) {
      complained = true;
      writer.named(
          () ->
              LOG.warn(
                  "A client at {} sent a malformed message ({}); it is dropped, and later ones are not logged",
                  socket.remoteAddress(),
                  malformed.reason()));
    }
  }

  private void onChannel(ClientMessage.Message message, Consumer<Channel> work) {
    Channel channel = channels.on(message.topic());
    if (channel == null) {
      writer.refuse(message, "unmatched topic");
    } else {
      work.accept(channel);
    }
  }

  private void leave(ClientMessage.Leave leave) {
    Channel channel = channels.on(leave.topic());
    writer.answer(leave, true, Json.object());
    if (channel != null && isOfNow(leave, channel)) {
      channels.close(channel);
    }
  }

  /**
   * A client that has joined a topic twice may leave the earlier channel, which is already closed.
   */
  private static boolean isOfNow(ClientMessage.Leave leave, Channel channel) {
    return leave.joinRef() == null
        || channel.joinRef() == null
        || leave.joinRef().equals(channel.joinRef());
  }

  private void clientHasRead() {
    channels.replays().goOn();
  }

  // --- Ending
  // ------------------------------------------------------------------------------------------------------

  /**
   * The library does not close a socket for a message that is too long, but nothing after it is a
   * message.
   */
  private void fail(Throwable e) {
    if (e instanceof HttpClosedException) {
      return; // The close handler runs.
    }
    writer.named(() -> LOG.debug("A socket failed and is closed", e));
    if (e instanceof IllegalStateException) {
      writer.close(CloseCode.MESSAGE_TOO_BIG, "at most " + settings.frames().maxBytes() + " bytes");
    } else {
      writer.close(CloseCode.PROTOCOL_ERROR, "protocol error");
    }
  }

  /** Closes the socket; the client reconnects by itself, whatever the code. Any thread may call. */
  void close(short code, String reason) {
    writer.onContext(() -> writer.close(code, reason));
  }

  /** The socket has ended. */
  private void ended() {
    timer.cancel();
    unread.clear();
    channels.end();
    whenEnded.accept(this);
  }
}
