package com.gptdesk.chat.service.realtime.socket;

import com.gptdesk.chat.service.realtime.socket.RealtimeSettings.Times;
import java.time.Duration;

/** Settings of a test that does not ask how long anything takes. */
final class Patient {
  private Patient() {}

  /** The defaults, but no socket is closed for its silence: a slow machine is silent, too. */
  static RealtimeSettings settings() {
    RealtimeSettings defaults = RealtimeSettings.defaults();
    return defaults.with(new Times(Duration.ofHours(1), defaults.times().tokenLeeway()));
  }

  /** The same at any moment: what is allowed per second is allowed once, and twice that at most. */
  static long frozen() {
    return 0;
  }
}
