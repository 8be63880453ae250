package com.gptdesk.chat.service.push;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What a push service made of a notice. */
sealed interface PushOutcome {

  /** As {@code chat.finish_push_notice} calls it. */
  String word();

  /** It has taken it. */
  record Sent() implements PushOutcome {
    @Override
    public String word() {
      return "sent";
    }
  }

  /** It no longer knows the device. */
  record Gone() implements PushOutcome {
    @Override
    public String word() {
      return "gone";
    }
  }

  /**
   * It cannot take it now.
   *
   * @param why for the log
   * @param after as it asks; null where it does not say
   */
  record Later(String why, @Nullable Duration after) implements PushOutcome {
    @Override
    public String word() {
      return "later";
    }
  }

  /**
   * It will never take it.
   *
   * @param why for the log
   */
  record Refused(String why) implements PushOutcome {
    @Override
    public String word() {
      return "refused";
    }
  }
}
