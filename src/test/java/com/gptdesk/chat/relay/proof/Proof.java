package com.gptdesk.chat.relay.proof;

import java.time.Duration;

/** How long and with which choices the proof runs. */
final class Proof {
  /** Printed by each run that chooses. */
  static final long SEED = Long.getLong("chat.proof.seed", 20_240_229);

  private Proof() {}

  /** The length of one load. */
  static Duration length() {
    return Duration.ofSeconds(Long.getLong("chat.proof.seconds", 15));
  }
}
