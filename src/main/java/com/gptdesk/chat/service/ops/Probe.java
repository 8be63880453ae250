package com.gptdesk.chat.service.ops;

import org.jspecify.annotations.Nullable;

/** One look at the service's health; may block or throw. */
@FunctionalInterface
public interface Probe {
  /** {@return what is wrong, in one sentence; null when nothing is} */
  @Nullable String problem() throws Exception;
}
