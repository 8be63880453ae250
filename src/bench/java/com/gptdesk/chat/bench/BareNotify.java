package com.gptdesk.chat.bench;

import com.gptdesk.chat.database.connection.Login;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Random;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.postgresql.PGConnection;

/** The least there can be: one connection notifies, another one listens, both by pgjdbc. */
final class BareNotify implements AutoCloseable {
  private final Connection listening;
  private final Connection notifying;
  private final BlockingQueue<Long> heard = new ArrayBlockingQueue<>(16);
  private volatile boolean closed;

  BareNotify(Login login) throws SQLException {
    listening = login.connect();
    notifying = login.connect();
    try (Statement statement = listening.createStatement()) {
      statement.execute("listen bench");
    }
    Thread.ofPlatform().daemon().name("bare listener").start(this::listen);
  }

  private void listen() {
    try {
      PGConnection connection = listening.unwrap(PGConnection.class);
      while (true) {
        if (connection.getNotifications(0).length > 0) {
          heard.add(System.nanoTime());
        }
      }
    } catch (SQLException e) {
      if (!closed) {
        throw new IllegalStateException("The bare listener lost its connection", e);
      }
    }
  }

  /** One after the other with a pause after each; in milliseconds. */
  double[] idle(int messages, Random random) throws Exception {
    double[] times = new double[messages];
    try (PreparedStatement notify = notifying.prepareStatement("select pg_notify('bench', ?)")) {
      for (int i = 0; i < messages; i++) {
        Clients.pause(random);
        notify.setString(1, String.valueOf(i));
        long start = System.nanoTime();
        notify.execute();
        Long end = heard.poll(10, TimeUnit.SECONDS);
        if (end == null) {
          throw new IllegalStateException("A bare NOTIFY was not heard in 10 s");
        }
        times[i] = (end - start) / 1e6;
      }
    }
    return times;
  }

  @Override
  public void close() throws SQLException {
    closed = true;
    notifying.close();
    listening.abort(Runnable::run); // close() would wait for the thread that listens
  }
}
