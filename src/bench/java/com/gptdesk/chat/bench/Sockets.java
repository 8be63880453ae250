package com.gptdesk.chat.bench;

import com.gptdesk.chat.bench.Clients.Step;
import com.gptdesk.chat.bench.Ground.Pair;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.http.WebSocket;
import io.vertx.core.http.WebSocketClient;
import io.vertx.core.http.WebSocketClientOptions;
import io.vertx.core.http.WebSocketConnectOptions;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * An open socket for the reader of each pair, which reads it. All on one event loop; the frames are
 * handled there.
 */
final class Sockets {
  private static final String HOST = "127.0.0.1";
  private static final int PATIENCE_SECONDS = 30;

  /** So many at a time are opened: more would wait for the service in its own queue. */
  private static final int OPENING = 32;

  /** Receives what arrives for the readers. */
  interface Receiver {
    /** A text frame to the reader of the pair with this number. */
    void received(int pair, String frame);

    /** A socket was closed. */
    void closed(String why);
  }

  private final Vertx vertx;
  private final Clients.Dialect dialect;
  private final WebSocketClient client;
  private final Receiver receiver;

  private Sockets(Vertx vertx, Clients.Dialect dialect, int most, Receiver receiver) {
    this.vertx = vertx;
    this.dialect = dialect;
    this.client = vertx.createWebSocketClient(new WebSocketClientOptions().setMaxConnections(most));
    this.receiver = receiver;
  }

  /** Opens them, and returns when all hear. They are closed with Vert.x. */
  static void open(Vertx vertx, Clients.Dialect dialect, List<Pair> pairs, Receiver receiver)
      throws Exception {
    var sockets = new Sockets(vertx, dialect, pairs.size(), receiver);
    var turns = new Semaphore(OPENING);
    List<Future<Void>> opening = new ArrayList<>();
    for (int i = 0; i < pairs.size(); i++) {
      if (!turns.tryAcquire(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        throw new IllegalStateException("Socket " + i + " waits too long to be opened");
      }
      opening.add(sockets.open(i, pairs.get(i)).onComplete(ended -> turns.release()));
    }
    for (Future<Void> each : opening) {
      each.toCompletionStage().toCompletableFuture().get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }
  }

  private Future<Void> open(int number, Pair pair) {
    Promise<Void> joined = Promise.promise();
    client
        .connect(
            new WebSocketConnectOptions()
                .setPort(dialect.port())
                .setHost(HOST)
                .setURI(dialect.socketPath(pair))
                .setSubProtocols(dialect.subprotocols()))
        .onFailure(joined::tryFail)
        .onSuccess(socket -> receive(socket, number, dialect.subscriptions(pair), joined));
    return joined.future();
  }

  private void receive(WebSocket socket, int number, List<Step> steps, Promise<Void> joined) {
    Iterator<Step> next = steps.iterator();
    @Nullable Step[] said = {null};
    Runnable say =
        () -> {
          said[0] = next.hasNext() ? next.next() : null;
          if (said[0] == null) {
            joined.tryComplete();
          } else {
            socket.writeTextMessage(said[0].frame()).onFailure(joined::tryFail);
          }
        };
    socket.textMessageHandler(
        frame -> {
          if (said[0] != null && frame.contains(said[0].confirmation())) {
            say.run();
          } else {
            receiver.received(number, frame);
          }
        });
    socket.closeHandler(
        closed -> {
          String why = "A reader's socket was closed: " + socket.closeStatusCode();
          joined.tryFail(why);
          receiver.closed(why);
        });
    if (!dialect.heartbeat().isEmpty()) {
      vertx.setPeriodic(20_000, beat -> socket.writeTextMessage(dialect.heartbeat()));
    }
    say.run();
  }
}
