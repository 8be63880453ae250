package com.gptdesk.chat.service.realtime.socket;

import com.gptdesk.chat.service.cluster.NatsSettings;
import com.gptdesk.chat.testing.NatsServer;
import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.api.Tag;

/** What is said and shown on topics is heard on both nodes, of which one reads the log. */
@Tag("slow")
class TopicsByNatsTest extends TopicsServerTest {
  /** One for all nodes of a test. */
  private final NatsSettings nats = NatsServer.shared().settings();

  @Override
  NatsSettings nats() {
    return nats;
  }

  @Override
  @Disabled("It takes long, and no change of a table goes by NATS in another way than others.")
  void presenceInTheTableFollowsTheSocketsOfAllNodes() {}
}
