package com.gptdesk.chat.service.realtime.socket;

import com.gptdesk.chat.service.cluster.NatsSettings;
import com.gptdesk.chat.testing.NatsServer;
import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.api.Tag;

/** Who comes back is told what came after, also when the changes come by NATS. */
@Tag("slow")
class SinceByNatsTest extends SinceTest {
  /** One for all nodes of a test. */
  private final NatsSettings nats = NatsServer.shared().settings();

  @Override
  NatsSettings nats() {
    return nats;
  }

  @Override
  @Disabled("Who joins while no relay reads waits until one does.")
  void aRelayThatLagsTellsNothingTwice() {}

  @Override
  @Disabled("What a socket does with a page of the table has nothing to do with how changes come.")
  void aReplayWaitsForAClientThatReadsSlowly() {}
}
