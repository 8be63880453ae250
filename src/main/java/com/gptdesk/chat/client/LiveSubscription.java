package com.gptdesk.chat.client;

import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** Somebody listens. For any number of threads. */
public interface LiveSubscription extends AutoCloseable {

  /**
   * The end of it.
   *
   * @return done when the program's ear or this subscription was closed; failed with a {@link
   *     com.gptdesk.chat.database.Refusal} when the person is unknown or may no longer use the
   *     chat, and with whatever the listener threw
   */
  CompletionStage<@Nullable Void> ended();

  /** Ends it; what is being told at this moment may still be told to its end. */
  @Override
  void close();
}
