package com.gptdesk.chat.service.realtime.socket;

import com.gptdesk.chat.service.realtime.channel.UserChannels;
import java.util.ArrayDeque;
import java.util.function.Consumer;

/**
 * Brings events from the relay's thread to the socket's context, in order. {@link #accept} is
 * called by the relay's thread and never waits; the rest is called on the context.
 */
final class Inbox implements Consumer<UserChannels.Event> {
  /** So many events are handled before other sockets of the same event loop get their turn. */
  private static final int TURN = 500;

  private final SocketWriter writer;
  private final int most;

  /** Guarded by itself, like the next two fields. */
  private final ArrayDeque<UserChannels.Event> events = new ArrayDeque<>(0);

  private boolean called;
  private boolean closed;

  /**
   * @param most events that may wait before the socket is closed
   */
  Inbox(SocketWriter writer, int most) {
    this.writer = writer;
    this.most = most;
  }

  @Override
  public void accept(UserChannels.Event event) {
    boolean call;
    synchronized (events) {
      if (closed) {
        return;
      }
      if (events.size() >= most) {
        closed = true;
        events.clear();
        writer.onContext(() -> writer.closeTooSlow("too many changes wait for it"));
        return;
      }
      events.add(event);
      call = !called;
      called = true;
    }
    if (call) {
      writer.onContext(this::read);
    }
  }

  private void read() {
    for (int i = 0; i < TURN; i++) {
      UserChannels.Event next;
      synchronized (events) {
        next = events.poll();
        if (next == null) {
          called = false;
          return;
        }
      }
      if (!writer.hasEnded() && next.user().take(next) > most) {
        writer.closeTooSlow("too many changes wait for its rights to be known");
      }
    }
    writer.onContext(this::read);
  }

  /** Accepts nothing more. */
  void close() {
    synchronized (events) {
      closed = true;
      events.clear();
    }
  }
}
