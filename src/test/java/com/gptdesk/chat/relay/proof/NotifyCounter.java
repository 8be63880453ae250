package com.gptdesk.chat.relay.proof;

import com.gptdesk.chat.testing.Await;
import java.sql.Connection;
import java.sql.SQLException;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/** Listens beside the relays and counts the NOTIFYs of the database. One thread. */
final class NotifyCounter implements AutoCloseable {
  private final Connection connection;
  private final ProofDatabase scene;
  private int received;

  NotifyCounter(ProofDatabase scene) throws SQLException {
    this.scene = scene;
    this.connection = scene.service().connect();
    ProofDatabase.run(connection, "listen gptdesk_chat");
    ProofDatabase.run(connection, "listen proof");
  }

  /**
   * NOTIFYs of everything that committed before this call, since the last call. A marker of our own
   * comes after them.
   */
  int count() throws SQLException {
    ProofDatabase.run(scene.service(), "notify proof");
    Await.until("the marker", this::markerCame);
    int count = received;
    received = 0;
    return count;
  }

  private boolean markerCame() throws SQLException {
    PGNotification[] notifications = connection.unwrap(PGConnection.class).getNotifications(10);
    boolean marker = false;
    for (PGNotification notification :
        notifications == null ? new PGNotification[0] : notifications) {
      if (notification.getName().equals("proof")) {
        marker = true;
      } else {
        received++;
      }
    }
    return marker;
  }

  @Override
  public void close() throws SQLException {
    connection.close();
  }
}
