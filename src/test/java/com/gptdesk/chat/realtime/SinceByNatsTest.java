package com.gptdesk.chat.realtime;

import com.gptdesk.chat.nats.NatsSettings;
import com.gptdesk.chat.testing.NatsServer;
import java.io.IOException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Disabled;

/** Who comes back is told what came after, also when the changes come by NATS. */
class SinceByNatsTest extends SinceTest {
  private static NatsServer server;
  private NatsSettings nats;

  @BeforeAll
  static void startNats() throws IOException {
    server = new NatsServer();
  }

  @AfterAll
  static void stopNats() {
    server.close();
  }

  /** One for all nodes of a test. */
  @Override
  NatsSettings nats() {
    if (nats == null) {
      nats = server.settings();
    }
    return nats;
  }

  @Override
  @Disabled("Who joins while no relay reads waits until one does.")
  void aRelayThatLagsTellsNothingTwice() {}
}
