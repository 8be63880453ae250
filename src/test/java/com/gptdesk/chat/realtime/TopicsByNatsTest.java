package com.gptdesk.chat.realtime;

import com.gptdesk.chat.nats.NatsSettings;
import com.gptdesk.chat.testing.NatsServer;
import java.io.IOException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Disabled;

/** What is said and shown on topics is heard on both nodes, of which one reads the log. */
class TopicsByNatsTest extends TopicsServerTest {
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
  @Disabled("It takes long, and no change of a table goes by NATS in another way than others.")
  void presenceInTheTableFollowsTheSocketsOfAllNodes() {}
}
