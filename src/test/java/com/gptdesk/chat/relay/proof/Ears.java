package com.gptdesk.chat.relay.proof;

import com.gptdesk.chat.testing.Await;
import java.sql.Connection;
import java.sql.SQLException;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/** Listens beside the relays and counts how often the database rings. One thread. */
final class Ears implements AutoCloseable {
  private final Connection connection;
  private final Scene scene;
  private int heard;

  Ears(Scene scene) throws SQLException {
    this.scene = scene;
    this.connection = scene.service().connect();
    Scene.run(connection, "listen gptdesk_chat");
    Scene.run(connection, "listen proof");
  }

  /**
   * Rings of all that committed before this call, since the last call. A marker of our own comes
   * after them.
   */
  int rings() throws SQLException {
    Scene.run(scene.service(), "notify proof");
    Await.until("the marker", this::markerCame);
    int rings = heard;
    heard = 0;
    return rings;
  }

  private boolean markerCame() throws SQLException {
    PGNotification[] notifications = connection.unwrap(PGConnection.class).getNotifications(10);
    boolean marker = false;
    for (PGNotification notification :
        notifications == null ? new PGNotification[0] : notifications) {
      if (notification.getName().equals("proof")) {
        marker = true;
      } else {
        heard++;
      }
    }
    return marker;
  }

  @Override
  public void close() throws SQLException {
    connection.close();
  }
}
