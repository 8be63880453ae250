package com.gptdesk.chat.relay.proof;

/** How much and with which choices the proof runs. */
final class Proof {
  /** Printed by each run that chooses. */
  static final long SEED = Long.getLong("chat.proof.seed", 20_240_229);

  /** How many times the usual load. A load ends when its work is done, however long that takes. */
  static final int TIMES = Integer.getInteger("chat.proof.times", 1);

  private Proof() {}
}
